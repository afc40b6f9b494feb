// End to end: the packed extension, installed into code-server, used through the workbench in Chromium.
//
//   import { expect, test } from '../harness/workbench.ts'
//   test('hover names the workers', async ({ workbench }) => {
//     await workbench.openFile('first.heddle')
//     ...
//   })
//
// One server serves the whole run. Every test has a fresh browser profile and a fresh copy of its folder; `test.use({
// folder: 'docs/examples', settings: { 'workbench.colorTheme': themes.light } })` changes the folder and the settings.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type FrameLocator, type Locator, type Page, expect, test as base } from '@playwright/test'
import { root, scratch, vsix } from '../../scripts/paths.ts'
import { type Server, type Settings, startServer, workbenchUrl } from './servers.ts'

export { expect }

/** One-based place in a file of test/fixtures/workspace, within its first `part`, for `workbench.goTo`. */
export function placeOf(file: string, part: string): readonly [line: number, column: number] {
  const lines = readFileSync(path.join('test/fixtures/workspace', file), 'utf8').split('\n')
  const line = lines.findIndex(text => text.includes(part))
  return [line + 1, (lines[line] ?? '').indexOf(part) + 2]
}

export const themes = {
  dark: 'Default Dark Modern', light: 'Default Light Modern', contrast: 'Default High Contrast'
} as const

export interface Workbench {
  readonly page: Page
  /** The folder that is open, a copy for this test. */
  readonly folder: string
  /** The editor that has the focus. */
  readonly editor: Locator
  /** Opens a file of the folder, by its path within it, as a person does with Ctrl+P. */
  openFile(name: string): Promise<void>
  /** Runs a command by its title in the palette, e.g. 'Heddle: Show Task Mapping'. */
  command(title: string): Promise<void>
  /** Puts the cursor there; both are one-based. */
  goTo(line: number, column: number): Promise<void>
  /** The content of the nth open webview. */
  webview(nth?: number): FrameLocator
  /** Writes .test/shots/NAME.png. */
  shot(name: string): Promise<void>
}

interface Options { folder: string; settings: Settings }

export const test = base.extend<Options & { workbench: Workbench }, { server: Server }>({
  folder: ['test/fixtures/workspace', { option: true }],
  settings: [{}, { option: true }],
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern to know what a fixture needs
  server: [async ({}, use) => {
    const server = await startServer({ kind: 'code-server', vsix })
    await use(server)
    await server.stop()
  }, { scope: 'worker', timeout: 120_000 }],
  workbench: async ({ page, server, folder, settings }, use) => {
    server.writeSettings(settings)
    await use(await openWorkbench(page, server, server.copyFolder(path.resolve(root, folder))))
  }
})

/** Opens the folder and waits until the workbench shows it. */
async function openWorkbench(page: Page, server: Server, folder: string): Promise<Workbench> {
  await page.goto(workbenchUrl(server, folder))
  await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: 60_000 })
  const input = page.locator('.quick-input-widget input')
  const row = page.locator('.quick-input-list .monaco-list-row.focused')
  const editor = page.locator('.editor-group-container.active .monaco-editor')
  return {
    page, folder, editor,
    async openFile(name) {
      await page.keyboard.press('ControlOrMeta+P')
      await input.fill(name)
      await row.filter({ hasText: path.basename(name) }).waitFor()
      await page.keyboard.press('Enter')
      await page.locator('.tab.active', { hasText: path.basename(name) }).waitFor()
      await editor.locator('.view-line').first().waitFor()
    },
    async command(title) {
      await page.keyboard.press('F1')
      await input.fill(`>${title}`)
      await row.filter({ hasText: title }).waitFor()
      await page.keyboard.press('Enter')
    },
    async goTo(line, column) {
      // a workbench that is still starting may take the focus away from the input
      await expect(async () => {
        await page.keyboard.press('Control+G')
        await input.fill(`:${line}:${column}`)
        await page.keyboard.press('Enter')
        await page.locator('#status\\.editor\\.selection', { hasText: `Ln ${line}, Col ${column}` }).waitFor({ timeout: 8000 })
      }).toPass({ timeout: 30_000 })
    },
    webview: (nth = 0) => page.frameLocator('iframe.webview').nth(nth).frameLocator('iframe#active-frame'),
    async shot(name) {
      await page.screenshot({ path: path.join(scratch, 'shots', `${name}.png`) })
    }
  }
}
