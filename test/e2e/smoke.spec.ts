import { expect, test, themes } from '../harness/workbench.ts'

test('the packed extension gives a .heddle file its language', async ({ workbench }) => {
  await workbench.openFile('first.heddle')
  await expect(workbench.page.locator('#status\\.editor\\.mode')).toHaveText('Heddle')
})

for (const [name, theme] of Object.entries(themes)) {
  test.describe(`theme ${name}`, () => {
    test.use({ settings: { 'workbench.colorTheme': theme } })
    test('colours a .heddle file by its grammar', async ({ workbench }) => {
      await workbench.openFile('first.heddle')
      const line = workbench.editor.locator('.view-line', { hasText: 'let' }).first()
      await expect.poll(() => line.evaluate(coloursOf)).toBeGreaterThan(1)
      await workbench.shot(`editor-${name}`)
    })
  })
}

function coloursOf(line: Element): number {
  return new Set([...line.querySelectorAll('span > span')].map(span => getComputedStyle(span).color)).size
}
