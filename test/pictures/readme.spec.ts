// The pictures of README.md, taken from the running product: `npm run pictures` writes docs/images/*.png.
import { cpSync } from 'node:fs'
import path from 'node:path'
import { root } from '../../scripts/paths.ts'
import { expect, test, themes } from '../harness/workbench.ts'

test.use({
  folder: 'docs/examples',
  viewport: { width: 1500, height: 900 },
  settings: {
    'workbench.colorTheme': themes.dark, 'editor.minimap.enabled': false, 'workbench.activityBar.location': 'hidden',
    'workbench.sideBar.location': 'right', 'editor.wordWrap': 'on'
  }
})

test('a matmul tile beside its text', async ({ workbench }) => {
  const { page } = workbench
  await workbench.openFile('4-matmul-block.heddle')
  await page.keyboard.press('ControlOrMeta+B')
  await page.locator('.codelens-decoration a').first().waitFor()
  await workbench.goTo(16, 14)
  await workbench.command('Heddle: Show Task Mapping')
  await expect(workbench.webview().locator('canvas').first()).toBeVisible()
  await expect(workbench.webview().getByText('256 workers', { exact: true })).toBeVisible()
  await page.waitForTimeout(1500) // the panel slides in
  await page.screenshot({ path: path.join(root, 'docs/images/explorer-dark.png') })
})

test('a fused kernel beside its graph', async ({ workbench }) => {
  const { page } = workbench
  await workbench.openFile('8-operators-into-one-kernel.heddle')
  await page.keyboard.press('ControlOrMeta+B')
  await workbench.goTo(14, 12)
  await workbench.command('Heddle: Show CUDA')
  await expect(page.locator('.monaco-editor', { hasText: '__global__' })).toBeVisible()
  await workbench.goTo(11, 12)
  await expect(page.locator('.editor-group-container').nth(1).locator('.cdr[class*="ced-"]').first()).toBeVisible()
  await page.keyboard.press('Control+Shift+F7') // the last linked region, where the result is stored
  await page.waitForTimeout(1500) // inlay hints and lenses settle
  await page.screenshot({ path: path.join(root, 'docs/images/cuda-dark.png') })
})

test('a missing barrier, found', async ({ workbench }) => {
  const { page } = workbench
  for (const file of ['fused.heddle', 'race.heddle']) {
    cpSync(path.join(root, 'test/fixtures/workspace', file), path.join(workbench.folder, file))
  }
  await workbench.openFile('race.heddle')
  await workbench.goTo(27, 12)
  await page.keyboard.press('Control+Alt+V')
  await page.locator('.notification-toast', { hasText: 'hasty is wrong' }).waitFor()
  await workbench.command('Notifications: Clear All')
  await workbench.command('Testing: Focus on Test Explorer View')
  await page.locator('.test-explorer .monaco-list-row', { hasText: 'race.heddle' }).locator('.monaco-tl-twistie').click()
  await page.keyboard.press('ControlOrMeta+1')
  await workbench.command('Test: Peek Output')
  await page.locator('.test-output-peek').first().waitFor()
  await page.waitForTimeout(1500) // inlay hints and lenses settle
  await page.screenshot({ path: path.join(root, 'docs/images/verify-dark.png') })
})
