/** The machine may be busy with other things: what a test waits for may take longer than the library's one second. */

import { configure } from "@testing-library/react";

configure({ asyncUtilTimeout: 10_000 });
