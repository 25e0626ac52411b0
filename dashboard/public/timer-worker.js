// Keeps time for the dashboard's connection: a hidden tab's own timers are held back by the browser, a worker's
// are not. Messages in: {set: id, ms} and {clear: id}; message out: the id whose interval has passed.
const running = new Map();
self.onmessage = ({ data }) => {
  if (data.set !== undefined) running.set(data.set, setInterval(() => self.postMessage(data.set), data.ms));
  if (data.clear !== undefined) {
    clearInterval(running.get(data.clear));
    running.delete(data.clear);
  }
};
