import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operatorsPage } from '../../scripts/operators-page.ts'

test('the page of ONNX operators is what the table says; `npm run operators` writes it', () => {
  expect(readFileSync('docs/operators.md', 'utf8')).toBe(operatorsPage())
})
