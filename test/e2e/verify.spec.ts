// Verification as a person meets it: the packed extension, a real workbench.
import type { Locator } from '@playwright/test'
import { type Workbench, expect, placeOf, test, themes } from '../harness/workbench.ts'

test('the lens verifies, says what came out, and forgets it when the text changes', async ({ workbench }) => {
  await workbench.openFile('fused.heddle')
  await workbench.goTo(...placeOf('fused.heddle', 'instance fused'))
  await expect(async () => { // lenses push the text down until the last one is there
    await lens(workbench, /^Verify$/).last().click()
    await expect(lens(workbench, /Verifying|right/).first()).toBeVisible({ timeout: 10_000 })
  }).toPass()
  await expect(toast(workbench, 'fused is right').first()).toBeVisible()
  await expect(lens(workbench, /right, \d/)).toHaveCount(1)
  await workbench.page.keyboard.press('End')
  await workbench.page.keyboard.type(' // more')
  await expect(lens(workbench, /right/)).toHaveCount(0)
  for (let i = 0; i < 8; i++) await workbench.page.keyboard.press('Backspace')
  await expect(lens(workbench, /right, \d/)).toHaveCount(1)
})

test('the keyboard alone leads to the barrier that is missing', async ({ workbench }) => {
  await workbench.openFile('race.heddle')
  await workbench.goTo(...placeOf('race.heddle', 'instance hasty'))
  await workbench.page.keyboard.press('Control+Alt+V')
  await expect(toast(workbench, 'hasty is wrong')).toBeVisible()
  await expect(lens(workbench, /wrong: \d+ race/)).toHaveCount(1)
  await expect(workbench.page.locator('.squiggly-error').first()).toBeVisible()
  await workbench.goTo(1, 1)
  await workbench.page.keyboard.press('F8')
  await expect(workbench.page.locator('.marker-widget')).toContainText('a barrier is missing')
})

test('the candidate that is shown is the one that is verified', async ({ workbench }) => {
  await workbench.openFile('fused.heddle')
  await workbench.goTo(...placeOf('fused.heddle', 'tiled for'))
  await workbench.command('Heddle: Choose Candidate')
  const input = workbench.page.locator('.quick-input-widget input')
  await input.fill('Level 2')
  await workbench.page.keyboard.press('Enter')
  await input.fill('block_k = 16')
  await workbench.page.keyboard.press('Enter')
  await expect(workbench.page.locator('.tab.active', { hasText: '(level 2, 2).cu' })).toBeVisible()
  await workbench.page.keyboard.press('ControlOrMeta+2')
  await workbench.page.locator('.editor-actions').getByRole('button', { name: /^Verify/ }).click()
  await expect(toast(workbench, 'matmul.tiled, candidate 2 of level 2 is right')).toBeVisible()
  await expect(lens(workbench, /1 candidate right/)).toHaveCount(1)
})

test('all candidates of a level are verified', async ({ workbench }) => {
  await workbench.openFile('fused.heddle')
  await workbench.goTo(...placeOf('fused.heddle', 'tiled for'))
  await workbench.command('Heddle: Verify Candidates')
  const rows = workbench.page.locator('.quick-input-list .monaco-list-row')
  await expect(rows.last()).toContainText('3 candidates of 3 points')
  await workbench.page.locator('.quick-input-widget input').fill('Level 2')
  await workbench.page.keyboard.press('Enter')
  await expect(rows.first()).toContainText('block_k = 4')
  await workbench.page.keyboard.press('Enter')
  await expect(toast(workbench, 'matmul.tiled: 3 candidates right')).toBeVisible()
  await expect(lens(workbench, /3 candidates right/)).toHaveCount(1)
})

for (const [name, theme] of Object.entries(themes)) {
  test.describe(`theme ${name}`, () => {
    test.use({ settings: { 'workbench.colorTheme': theme } })
    test('shows a race in the source, in the CUDA and in the Test Explorer', async ({ workbench }) => {
      await workbench.openFile('race.heddle')
      await workbench.goTo(...placeOf('race.heddle', 'instance hasty'))
      await workbench.command('Heddle: Show CUDA')
      await expect(workbench.page.locator('.tab', { hasText: '.cu' })).toBeVisible()
      await workbench.command('Heddle: Verify')
      await expect(toast(workbench, 'hasty is wrong')).toBeVisible()
      await expect(lens(workbench, /wrong: \d+ race/)).toBeVisible()
      await workbench.page.waitForTimeout(1000) // decorations settle
      await workbench.shot(`verify-wrong-${name}`)
      await workbench.command('Testing: Focus on Test Explorer View')
      await expect(workbench.page.locator('.test-explorer')).toContainText('race.heddle')
      await workbench.page.waitForTimeout(1000)
      await workbench.shot(`verify-tests-${name}`)
    })
  })
}

function lens(workbench: Workbench, text: RegExp): Locator {
  return workbench.page.locator('.codelens-decoration > *', { hasText: text })
}

function toast(workbench: Workbench, text: string): Locator {
  return workbench.page.locator('.notification-toast', { hasText: text })
}
