// Two layers that drive Chromium: pages of webviews alone (webview), and the packed extension in a workbench (e2e).
import { defineConfig } from '@playwright/test'
import { chromiumFlags } from './test/harness/browser.ts'
import { findChromium } from './test/harness/needs.ts'

const executablePath = findChromium()

export default defineConfig({
  outputDir: '.test/playwright',
  forbidOnly: process.env['CI'] !== undefined,
  fullyParallel: false,
  workers: 1, // two cores: a workbench and its server keep both busy
  timeout: 180_000, // generous: a busy machine is slow, and nothing here is timed
  expect: { timeout: 30_000 },
  reporter: [['list']],
  use: {
    viewport: { width: 1400, height: 900 },
    actionTimeout: 30_000,
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: { args: chromiumFlags, ...(executablePath === undefined ? {} : { executablePath }) }
  },
  projects: [
    { name: 'webview', testDir: 'test/webview', testMatch: '**/*.spec.ts' },
    { name: 'e2e', testDir: 'test/e2e', testMatch: '**/*.spec.ts' },
    { name: 'pictures', testDir: 'test/pictures', testMatch: '**/*.spec.ts' }
  ]
})
