// The CUDA beside its source as a person meets it: the packed extension, a real workbench.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Locator } from '@playwright/test'
import { type Workbench, expect, placeOf, test, themes } from '../harness/workbench.ts'

test('opens at the lens, lights both sides, names the origin', async ({ workbench }) => {
  await workbench.openFile('fused.heddle')
  await workbench.goTo(...placeOf('fused.heddle', 'instance fused'))
  await workbench.page.locator('.codelens-decoration a', { hasText: 'Show CUDA' }).last().click()
  await expect(cuda(workbench)).toContainText('__global__')
  await expect(workbench.page.locator('.tab.active', { hasText: '.cu' })).toBeVisible()
  await workbench.goTo(...placeOf('fused.heddle', 'max(x'))
  await expect(status(workbench)).toContainText('operator relu (')
  await expect(marks(workbench, 1).first()).toBeVisible()

  await status(workbench).click()
  const rows = workbench.page.locator('.quick-input-list .monaco-list-row')
  await expect(rows.filter({ hasText: 'operator relu' })).toContainText('fused.heddle')
  await workbench.page.keyboard.press('Enter')
  await expect(workbench.page.locator('.editor-group-container.active .tab.active')).toContainText('.cu')
  await workbench.command('Show or Focus Hover')
  await expect(workbench.page.locator('.monaco-hover', { hasText: 'from the' }).first()).toBeVisible()
})

test('walks through linked regions, goes there, peeks', async ({ workbench }) => {
  await showCuda(workbench, 'fused.heddle', 'matmul(x, w)')
  await workbench.goTo(...placeOf('fused.heddle', 'tile.on(threadIdx.x) { acc'))
  await expect(status(workbench)).toContainText('linked)')
  await workbench.page.keyboard.press('Control+F7')
  await expect(status(workbench)).toContainText('(1 of')
  await workbench.page.keyboard.press('Control+F7')
  await expect(status(workbench)).toContainText('(2 of')
  await workbench.page.keyboard.press('Control+F12')
  await expect(workbench.page.locator('.editor-group-container.active .tab.active')).toContainText('.cu')
  await expect(status(workbench)).toContainText('schedule matmul.tiled')
  await workbench.command('Heddle: Peek Linked Regions')
  await expect(workbench.page.locator('.peekview-widget')).toContainText('fused.heddle')
})

test('names and opens what stands in another file', async ({ workbench }) => {
  await showCuda(workbench, 'library.heddle', 'layer')
  await focus(workbench, 2)
  await workbench.page.keyboard.press('Control+F')
  await workbench.page.keyboard.type('fmaxf')
  await workbench.page.keyboard.press('Enter')
  await workbench.page.keyboard.press('Escape')
  await expect(status(workbench)).toContainText('operator relu in std/elementwise.heddle:')
  await workbench.page.keyboard.press('Control+F12')
  await expect(workbench.page.locator('.tab.active', { hasText: 'elementwise.heddle' })).toBeVisible()
  await expect(marks(workbench, 0).first()).toBeVisible()
})

test('leaves an editor alone where linking is off', async ({ workbench }) => {
  await showCuda(workbench, 'fused.heddle', 'matmul(x, w)')
  await workbench.goTo(...placeOf('fused.heddle', 'max(x'))
  await expect(marks(workbench, 1).first()).toBeVisible()
  await workbench.page.getByRole('button', { name: 'Turn Linking Off for This Editor' }).first().click()
  await expect(status(workbench)).not.toContainText('linked)')
  await workbench.page.getByRole('button', { name: 'Turn Linking On for This Editor' }).first().click()
  await expect(status(workbench)).toContainText('linked)')
})

test('shows the candidate that is chosen', async ({ workbench }) => {
  await showCuda(workbench, 'fused.heddle', 'tiled for')
  await workbench.command('Heddle: Choose Candidate')
  const input = workbench.page.locator('.quick-input-widget input')
  const rows = workbench.page.locator('.quick-input-list .monaco-list-row')
  await expect(rows).toHaveCount(3)
  await expect(rows.nth(2)).toContainText('3 candidates of 3 points')
  await input.fill('Level 2')
  await workbench.page.keyboard.press('Enter')
  await expect(rows.first()).toContainText('block_k = 4')
  await input.fill('block_k = 16')
  await expect(rows).toHaveCount(1)
  await workbench.page.keyboard.press('Enter')
  await expect(cuda(workbench)).toContainText('candidate 2 of level 2')
  await expect(workbench.page.locator('.tab.active', { hasText: 'matmul.tiled (level 2, 2).cu' })).toBeVisible()
})

test('saves the CUDA to the file that is named', async ({ workbench }) => {
  await showCuda(workbench, 'fused.heddle', 'matmul(x, w)')
  await workbench.command('Heddle: Save CUDA')
  const input = workbench.page.locator('.quick-input-widget input').first()
  await expect(input).toHaveValue(/dense\.cu$/)
  await input.press('Enter')
  const saved = (): string => { try { return readFileSync(path.join(workbench.folder, 'dense.cu'), 'utf8') } catch { return '' } }
  await expect.poll(saved).toContain('__global__')
  expect(saved()).not.toContain('dense: block_k = 8')
})

test('follows what is typed, and keeps its last text with the reason while that is broken', async ({ workbench }) => {
  await showCuda(workbench, 'fused.heddle', 'matmul(x, w)')
  await workbench.goTo(...placeOf('fused.heddle', '0)'))
  await workbench.page.keyboard.press('Home')
  await workbench.page.keyboard.type('// ')
  await expect(status(workbench)).toContainText('dense: CUDA not up to date')
  await expect(cuda(workbench)).toContainText('fmaxf')
  await focus(workbench, 2)
  await workbench.page.keyboard.press('Control+Home')
  await expect(cuda(workbench)).toContainText('Not up to date. fused.heddle:')
  await focus(workbench, 1)
  await workbench.page.keyboard.press('Home')
  for (let i = 0; i < 3; i++) await workbench.page.keyboard.press('Delete')
  await expect(status(workbench)).not.toContainText('not up to date')
  await expect(cuda(workbench)).toContainText('dense: block_k = 8')
})

for (const [name, theme] of Object.entries(themes)) {
  test.describe(`theme ${name}`, () => {
    test.use({ settings: { 'workbench.colorTheme': theme, 'workbench.sideBar.visible': false } })
    test('shows CUDA that other operators were fused into', async ({ workbench }) => {
      await showCuda(workbench, 'fused.heddle', 'matmul(x, w)')
      await workbench.goTo(...placeOf('fused.heddle', 'max(x'))
      await expect(marks(workbench, 1).first()).toBeVisible()
      await workbench.page.waitForTimeout(500) // inlay hints and lenses settle
      await workbench.shot(`cuda-${name}`)
      await status(workbench).hover()
      await workbench.page.waitForTimeout(1500)
      await workbench.shot(`cuda-legend-${name}`)
    })
  })
}

async function showCuda(workbench: Workbench, file: string, part: string): Promise<void> {
  await workbench.openFile(file)
  await workbench.goTo(...placeOf(file, part))
  await workbench.command('Heddle: Show CUDA')
  await expect(cuda(workbench)).toContainText('__global__')
}

/** The editor that shows CUDA. */
function cuda(workbench: Workbench): Locator {
  const tab = workbench.page.locator('.tab', { hasText: '.cu' })
  return workbench.page.locator('.editor-group-container', { has: tab }).locator('.monaco-editor').first()
}

/** The marks of linked text in the nth group of editors. */
function marks(workbench: Workbench, group: number): Locator {
  return workbench.page.locator('.editor-group-container').nth(group).locator('.cdr[class*="ced-"]')
}

function status(workbench: Workbench): Locator { return workbench.page.locator('#heddle\\.heddle\\.heddle\\.origin') }

async function focus(workbench: Workbench, group: number): Promise<void> {
  await workbench.page.keyboard.press(`ControlOrMeta+${group}`)
}
