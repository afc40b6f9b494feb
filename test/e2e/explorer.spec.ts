// The mapping explorer as a person meets it: the packed extension, a real workbench, inside the webview.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Workbench, expect, test, themes } from '../harness/workbench.ts'

test.use({ folder: 'docs/examples' })
const example = '4-matmul-block.heddle'

/** One-based places in the example. */
const lines = readFileSync(path.join('docs/examples', example), 'utf8').split('\n')
const lineOf = (start: string): number => lines.findIndex(line => line.startsWith(start)) + 1

test('draws the mapping at the cursor, says who owns a cell, follows the cursor and the keys', async ({ workbench }) => {
  await openExplorer(workbench, lineOf('let warp ='), 20)
  const page = workbench.webview()
  await expect(page.locator('header h1')).toHaveText('warp')
  await expect(page.locator('.badges')).toContainText('32')

  await page.locator('.picture').click({ position: { x: 40, y: 40 } })
  await expect(page.locator('.panel')).toContainText('worker')

  await focusEditor(workbench)
  await workbench.goTo(lineOf('let tile ='), 5)
  await expect(page.locator('header h1')).toHaveText('tile')
  await expect(page.locator('.strip')).toHaveCount(4)

  await workbench.goTo(lineOf('let warp ='), 20)
  await expect(page.locator('header h1')).toHaveText('warp')
  await workbench.page.keyboard.type('1')
  await expect(page.locator('.expression')).toContainText('spatial(14, 8)')
  await workbench.page.keyboard.press('Backspace')
  await workbench.page.keyboard.press('Delete')
  await expect(page.locator('.stale')).not.toBeEmpty()
  await workbench.page.keyboard.type('4')
  await expect(page.locator('.expression')).toContainText('spatial(4, 8)')
})

test('links factors and their text both ways', async ({ workbench }) => {
  await openExplorer(workbench, lineOf('let warp ='), 14)
  const page = workbench.webview()
  await expect(page.locator('.strip[data-factor="0"]')).toHaveClass(/current/)
  const marks = workbench.page.locator('.monaco-editor .cdr[class*="ced-"]')
  await expect(marks).toHaveCount(0)
  await page.locator('.strip[data-factor="1"]').hover()
  await expect(marks.first()).toBeVisible()
  await page.locator('.strip[data-factor="1"]').click()
  await expect(workbench.page.locator('#status\\.editor\\.selection')).toContainText(`Ln ${lineOf('let thread')}`)
})

test('opens at a code lens', async ({ workbench }) => {
  await workbench.openFile(example)
  await workbench.page.locator('.codelens-decoration a', { hasText: 'Show Task Mapping' }).first().click()
  await expect(workbench.webview().locator('header h1')).toHaveText('thread')
})

test('holds its picture over a reload of the window', async ({ workbench }) => {
  test.setTimeout(180_000) // the extension host starts anew
  await openExplorer(workbench, lineOf('let tile ='), 5)
  await expect(workbench.webview().locator('header h1')).toHaveText('tile')
  const reloaded = workbench.page.waitForEvent('load')
  await workbench.command('Developer: Reload Window')
  await reloaded
  await expect(workbench.webview().locator('header h1')).toHaveText('tile', { timeout: 90_000 })
})

test('saves the picture to the file that is named', async ({ workbench }) => {
  await openExplorer(workbench, lineOf('let tile ='), 5)
  const page = workbench.webview()
  await expect(page.locator('header h1')).toHaveText('tile')
  await page.getByRole('button', { name: /SVG/ }).click()
  const input = workbench.page.locator('.quick-input-widget input').first()
  await expect(input).toHaveValue(/tile\.svg$/)
  await input.press('Enter')
  await expect.poll(() => { try { return readFileSync(path.join(workbench.folder, 'tile.svg'), 'utf8') } catch { return '' } }).toContain('</svg>')
})

for (const [name, theme] of Object.entries(themes)) {
  test.describe(`theme ${name}`, () => {
    test.use({ settings: { 'workbench.colorTheme': theme } })
    test('shows the editor and the explorer', async ({ workbench }) => {
      await openExplorer(workbench, lineOf('let tile ='), 30)
      await expect(workbench.webview().locator('.strip')).toHaveCount(4)
      await workbench.page.waitForTimeout(500) // inlay hints and lenses settle
      await workbench.shot(`explorer-${name}`)
      await focusEditor(workbench)
      await workbench.goTo(lineOf('let warp ='), 6)
      await workbench.command('Show or Focus Hover')
      await expect(workbench.page.locator('.monaco-hover img').first()).toBeVisible()
      await workbench.shot(`hover-${name}`)
    })
  })
}

async function openExplorer(workbench: Workbench, line: number, column: number): Promise<void> {
  await workbench.openFile(example)
  await workbench.goTo(line, column)
  await workbench.command('Heddle: Show Task Mapping')
  await expect(workbench.webview().locator('canvas').first()).toBeVisible()
}

async function focusEditor(workbench: Workbench): Promise<void> {
  await workbench.page.keyboard.press('ControlOrMeta+1')
}
