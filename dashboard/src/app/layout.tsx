import "@fontsource-variable/inter/index.css";
import "uplot/dist/uPlot.min.css";
import "./globals.css";

import type { Metadata, Viewport } from "next";
import type { ReactElement, ReactNode } from "react";

import { Shell } from "@/features/shell/shell";
import { THEME_SCRIPT } from "@/features/shell/theme";

export const metadata: Metadata = {
  title: { default: "PrecisionPulse", template: "%s · PrecisionPulse" },
  description: "Live telemetry that loses no reading silently.",
};

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: dark)", color: "#090c11" },
    { media: "(prefers-color-scheme: light)", color: "#f2f4f7" },
  ],
};

export default function RootLayout({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <html lang="en" data-theme="dark" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <Shell>{children}</Shell>
      </body>
    </html>
  );
}
