import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tensorBytes } from '../../../../compiler-core/graph/onnx/tensor-proto.ts'
import { dataOf } from '../../../../compiler-core/graph/tensor-data.ts'
import { findCases, readDataSets } from '../../../../compiler-core/runtime/conformance/cases.ts'

let root = ''
beforeEach(() => { root = mkdtempSync(path.join(os.tmpdir(), 'heddle-cases-')) })
afterEach(() => { rmSync(root, { recursive: true }) })

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), content)
}
const one = dataOf('f32', [1], [1]), two = dataOf('i64', [], [2])

describe('cases are found', () => {
  const names = (...folders: readonly string[]): readonly string[] =>
    findCases(folders.map(folder => path.join(root, folder))).map(one => one.name)

  it('in and below folders, by name, each once', () => {
    for (const name of ['b', 'a', 'deep/er/c']) write(`${name}/test_data_set_0/input_0.pb`, '')
    for (const name of ['b', 'a', 'deep/er/c', 'no-data']) write(`${name}/model.onnx`, 'abc')
    write('no-model/test_data_set_0/input_0.pb', '')
    write('test_data_set_1/model.onnx', '')
    symlinkSync(root, path.join(root, 'deep/circle'))
    expect(names('.')).toEqual(['a', 'b', 'c'])
    expect(names('a', '.', 'a')).toEqual(['a', 'b', 'c'])
    expect(findCases([path.join(root, 'a')])).toEqual([{ name: 'a', folder: path.join(root, 'a'), bytes: 3 }])
  })

  it('with names that tell them apart', () => {
    for (const name of ['x/node/add', 'y/node/add', 'models/add', 'node/sub']) {
      write(`${name}/model.onnx`, '')
      write(`${name}/test_data_set_0/input_0.pb`, '')
    }
    expect(names('.')).toEqual(['models/add', 'sub', 'x/node/add', 'y/node/add'])
  })
})

describe('test data', () => {
  it('is read in the order of numbers', () => {
    for (let i = 0; i < 11; i++) write(`test_data_set_0/input_${i}.pb`, tensorBytes('', i === 10 ? two : one))
    write('test_data_set_0/output_0.pb', tensorBytes('y', two))
    write('test_data_set_0/output_1.sample.json', JSON.stringify({ dims: [3], step: 2, sum: 6, absmax: 3, values: [1, 3] }))
    write('test_data_set_10/output_0.pb', tensorBytes('y', one))
    expect(readDataSets(root)).toMatchObject([
      {
        name: 'test_data_set_0', inputs: [...new Array<typeof one>(10).fill(one), two],
        outputs: [{ kind: 'whole', data: two }, { kind: 'sample', sample: { step: 2 } }]
      },
      { name: 'test_data_set_10', inputs: [], outputs: [{ kind: 'whole', data: one }] }
    ])
  })

  it('with a gap in its numbers is wrong', () => {
    write('test_data_set_0/input_1.pb', tensorBytes('', one))
    expect(readDataSets(root)).toEqual({ code: 'invalid-tensor', problem: 'test_data_set_0 has no number 0 of its inputs or outputs' })
  })

  it('of types that Heddle does not have says so', () => {
    write('test_data_set_0/input_0.pb', new Uint8Array([0x10, 8])) // data_type: STRING
    expect(readDataSets(root)).toEqual({
      code: 'unsupported-type', problem: 'test_data_set_0/input_0.pb has elements of type STRING, which Heddle does not have'
    })
  })

  it('that is damaged says so', () => {
    write('test_data_set_0/output_0.sample.json', JSON.stringify({ dims: [3], step: 2, sum: 6, absmax: 3, values: [1] }))
    expect(readDataSets(root)).toMatchObject({ code: 'invalid-tensor' })
    write('test_data_set_0/output_0.sample.json', '{')
    expect(readDataSets(root)).toMatchObject({ code: 'invalid-tensor' })
    write('test_data_set_0/input_0.pb', tensorBytes('', one).slice(0, -1))
    expect(readDataSets(root)).toMatchObject({ code: 'invalid-tensor' })
  })
})
