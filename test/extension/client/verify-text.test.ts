import { describe, expect, it } from 'vitest'
import { lensText, messageOf, titleOf, type Verified } from '../../../extension/client/verify-text.ts'
import type { VerifyAnswer } from '../../../extension/server/protocol.ts'

const answer = (verdict: VerifyAnswer['verdict'], status: string = verdict, summary = `${status}.`): VerifyAnswer =>
  ({ verdict, status, summary, fingerprint: '', milliseconds: 400, details: [], problems: [] })
const own = (given: VerifyAnswer | undefined): Verified => ({ what: { subject: 'mm.simt' }, answer: given })
const candidate = (index: number, given: VerifyAnswer | undefined): Verified =>
  ({ what: { subject: 'mm.simt', candidate: { level: 1, index } }, answer: given })
const right = answer('right', 'right, 0.4 s', 'is right.'), wrong = answer('wrong', 'wrong: 1 race', 'A race.')
const undecided = answer('undecided', 'undecided', 'No engine.')

it('a title names the candidate', () => {
  expect(titleOf({ subject: 'square' })).toBe('square')
  expect(titleOf({ subject: 'mm.simt', candidate: { level: 2, index: 17 } })).toBe('mm.simt, candidate 17 of level 2')
})

describe('the lens', () => {
  const check = (verified: readonly Verified[], text: string | undefined) => { expect(lensText(verified)?.replace('\u00a0', ' ')).toBe(text) }
  it('is none before anything is known', () => {
    check([], undefined)
    check([own(undefined)], undefined)
  })
  it('says what came out', () => {
    check([own(right)], '$(pass) right, 0.4 s')
    check([own(wrong)], '$(error) wrong: 1 race')
    check([own(undecided)], '$(question) undecided')
  })
  it('counts candidates', () => {
    check([candidate(0, right)], '$(pass) 1 candidate right')
    check([candidate(0, right), candidate(1, right)], '$(pass) 2 candidates right')
    check([candidate(0, right), candidate(1, wrong)], '$(error) 1 of 2 candidates wrong')
    check([candidate(0, right), candidate(1, undecided)], '$(question) 1 of 2 candidates undecided')
    check([candidate(0, undecided), candidate(1, wrong)], '$(error) 1 of 2 candidates wrong, 1 undecided')
  })
  it('shows the worst of both', () => {
    check([own(right), candidate(1, wrong)], '$(error) right, 0.4 s; 1 of 1 candidate wrong')
    check([own(wrong), candidate(1, right)], '$(error) wrong: 1 race; 1 candidate right')
  })
})

describe('the message at the end', () => {
  const check = (verified: readonly Verified[], verdict: VerifyAnswer['verdict'] | undefined, text?: string) => {
    expect(messageOf(verified)).toEqual(verdict === undefined ? undefined : { verdict, text })
  }
  it('is none where all was cancelled', () => {
    check([], undefined)
    check([own(undefined)], undefined)
  })
  it('is a sentence about one', () => {
    check([own(right)], 'right', 'mm.simt is right.')
    check([own(wrong)], 'wrong', 'mm.simt is wrong. A race.')
    check([candidate(3, undecided)], 'undecided', 'mm.simt, candidate 3 of level 1 could not be verified. No engine.')
  })
  it('counts several, those that were left out too', () => {
    check([candidate(0, right), candidate(1, right)], 'right', 'mm.simt: 2 candidates right.')
    check([candidate(0, right), candidate(1, wrong), candidate(2, undefined)], 'wrong', 'mm.simt: 1 of 2 candidates wrong, 1 not verified.')
  })
})
