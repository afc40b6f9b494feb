import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dataOf } from '../../../compiler-core/graph/tensor-data.ts'
import { packageBytes, packageOf, writePackage } from '../../../compiler-core/runtime/package.ts'
import { openModel, type ModelSource, type StoredModel, type StoredOptions } from '../../../compiler-core/runtime/stored-model.ts'
import { architectureNamed } from '../../../compiler-core/target/architectures.ts'
import { deviceNamed } from '../../../compiler-core/target/devices.ts'
import { openCache } from '../../../compiler-core/toolchain/disk-cache.ts'
import { target } from '../../harness/graphs.ts'
import { onnxModel } from '../../harness/onnx.ts'

let folder = ''
beforeEach(() => { folder = mkdtempSync(path.join(os.tmpdir(), 'heddle-stored-')) })
afterEach(() => { rmSync(folder, { recursive: true }) })

/** y = relu(x + b) */
const bytes = (extent = 4): Uint8Array => onnxModel({
  inputs: { x: ['f32', 'n', extent] }, outputs: { y: ['f32', 'n', extent] },
  constants: { b: dataOf('f32', [extent], Array.from({ length: extent }, (_, i) => i)) },
  nodes: [['Add', ['x', 'b'], ['s']], ['Relu', ['s'], ['y']]]
})

const source = (given: Partial<ModelSource> = {}): ModelSource => ({
  name: 'model', bytes: bytes(), external: () => 'there is none', asked: new Set(), stampOf: () => undefined, ...given
})

const options = (given: Partial<StoredOptions> = {}): StoredOptions => ({
  ...target, parallelK: 'default', bindings: new Map([['n', 3]]), cache: openCache(folder), version: '1', ...given
})

function open(given: Partial<ModelSource> = {}, others: Partial<StoredOptions> = {}): StoredModel {
  const { model, problems } = openModel(source(given), options(others))
  expect(problems).toEqual([])
  return model!
}

describe('a model that was compiled before', () => {
  it('comes from the cache as it was', () => {
    const first = open(), second = open()
    expect([first.fromCache, second.fromCache]).toEqual([false, true])
    expect([second.package, second.weightsBytes]).toEqual([first.package, first.weightsBytes])
  })

  const check = (name: string, given: Partial<ModelSource>, others: Partial<StoredOptions>, isSame: boolean) => {
    it(`${isSame ? 'is the same' : 'is another'} ${name}`, () => {
      open({ asked: new Set(['w.bin']), stampOf: () => '1' })
      expect(open({ stampOf: () => '1', ...given }, others).fromCache).toBe(isSame)
    })
  }
  check('unchanged', {}, {}, true)
  check('with other bytes', { bytes: bytes(5) }, {}, false)
  check('of another name', { name: 'other' }, {}, false)
  check('with other extents', {}, { bindings: new Map([['n', 2]]) }, false)
  check('with the same shapes given otherwise', {}, { bindings: new Map(), shapes: new Map([['x', [3, 4]]]) }, false)
  check('for another architecture', {}, { architecture: architectureNamed('sm_90')! }, false)
  check('for another card', {}, { device: deviceNamed('A30')! }, false)
  check('with another rule for products', {}, { parallelK: 'paper' }, false)
  check('by another compiler', {}, { version: '2' }, false)
  check('with data beside it that changed', { stampOf: () => '2' }, {}, false)
  check('with data beside it that is gone', { stampOf: () => undefined }, {}, false)

  const spoil = (name: string, change: (content: Uint8Array) => Uint8Array) => {
    it(`is compiled anew ${name}`, () => {
      const { package: before } = open()
      const [entry] = readdirSync(path.join(folder, 'packages')), file = path.join(folder, 'packages', entry!)
      writeFileSync(file, change(readFileSync(file)))
      const again = open()
      expect([again.fromCache, again.package]).toEqual([false, before])
      expect(open().fromCache).toBe(true)
    })
  }
  spoil('where the entry is cut', content => content.subarray(0, content.length / 2))
  spoil('where the entry is empty', () => new Uint8Array())
  spoil('where a byte changed', content => content.map((b, i) => (i === 100 ? b ^ 1 : b)))

  it('is not kept without a cache, and has no weights then', () => {
    const model = open({}, { cache: undefined })
    expect([model.fromCache, model.weights()]).toEqual([false, { problem: 'There is no folder in which weights can be kept.' }])
  })
  it('says what is wrong, and keeps nothing', () => {
    const { model, problems } = openModel(source(), options({ bindings: new Map() }))
    expect([model, problems.map(p => p.code), readdirSync(folder)]).toEqual([undefined, ['unbound-extent'], []])
  })
})

describe('weights', () => {
  const expected = Float32Array.from([0, 1, 2, 3])
  const read = (model: StoredModel): Float32Array => {
    const file = model.weights()
    if (typeof file !== 'string') throw new Error(file.problem)
    expect(model.weightsBytes).toBe(256)
    return new Float32Array(Uint8Array.from(readFileSync(file).subarray(0, 16)).buffer)
  }
  it('are made when they are asked for, and kept', () => {
    const model = open()
    expect(readdirSync(folder)).toEqual(['packages'])
    expect(read(model)).toEqual(expected)
    expect(readdirSync(folder)).toEqual(['packages', 'weights'])
    expect(open().weights()).toBe(model.weights())
  })
  it('are made of a package from the cache, too', () => {
    open()
    const model = open()
    expect([model.fromCache, read(model)]).toEqual([true, expected])
  })
  it('are made anew where the file is spoilt', () => {
    const model = open(), file = model.weights() as string
    writeFileSync(file, 'x')
    expect(read(model)).toEqual(expected)
  })
})

describe('a package', () => {
  it('survives as bytes', () => {
    const { package: made } = open(), again = packageOf(packageBytes(made, { more: [1] }))
    expect(again).toEqual({ package: made, more: { more: [1] } })
  })
  it('is written as a folder, without what an earlier one left', () => {
    const { package: made } = open(), out = path.join(folder, 'out'), name = made.plan.kernels[0]!.name
    const old = { ...made.plan, kernels: made.plan.kernels.map(k => ({ ...k, name: 'old', file: 'kernels/old.cu' })) }
    expect(writePackage(out, { plan: old, files: new Map([['kernels/old.cu', ''], ['kernels/old.trace.json', '{}']]) }))
      .toEqual(['kernels/old.cu', 'kernels/old.trace.json', 'plan.json'])
    writeFileSync(path.join(out, 'kernels', 'own.cu'), 'mine')
    expect(writePackage(out, made)).toEqual(['graph.heddle', `kernels/${name}.cu`, `kernels/${name}.trace.json`, 'plan.json'])
    expect(readdirSync(path.join(out, 'kernels')).sort()).toEqual([`${name}.cu`, `${name}.trace.json`, 'own.cu'])
    expect(readdirSync(out).sort()).toEqual(['graph.heddle', 'kernels', 'plan.json'])
    expect(JSON.parse(readFileSync(path.join(out, 'plan.json'), 'utf8'))).toEqual(made.plan)
  })
  it('that cannot be written says so', () => {
    const { package: made } = open(), out = path.join(folder, 'file')
    writeFileSync(out, '')
    expect(writePackage(out, made)).toMatchObject({ problem: expect.stringMatching(/file cannot be written: /) as string })
  })
})
