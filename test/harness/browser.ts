// A headless Chromium for all layers that look at a page.
import { type Browser, chromium } from 'playwright-core'
import { findChromium } from './needs.ts'

/** Without the flags about the network, Chromium looks up hosts of its own at every start. */
export const chromiumFlags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
  '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets'
]

export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('no chromium: install it, or name one with CHROMIUM')
  return chromium.launch({ executablePath, args: chromiumFlags })
}
