import { describe, expect, it } from 'vitest'
import { architectureNamed, architectures } from '../../../compiler-core/target/architectures.ts'
import { defaultDevice, deviceNamed, devices } from '../../../compiler-core/target/devices.ts'

describe('devices', () => {
  it.each(devices.map(d => [d.name, d] as const))('%s is consistent', (name, d) => {
    expect(deviceNamed(name)).toBe(d)
    expect(architectureNamed(d.architecture)).toBeDefined()
    // multiply-adds count twice; published peaks are rounded
    const peak = 2 * d.lanes * d.sms * d.clock * 1e6 / 1e12
    expect(Math.abs(peak / d.peak - 1)).toBeLessThan(0.01)
  })

  it('has a default for each architecture', () => {
    expect(architectures.map(a => defaultDevice(a.name).name)).toEqual([
      'T4', 'A100-SXM4-80GB', 'RTX 3090', 'RTX 4090', 'H100 80GB HBM3', 'B200', 'RTX 5090'
    ])
    expect(defaultDevice('sm_90a').name).toBe('H100 80GB HBM3')
    expect(deviceNamed('Voodoo 2')).toBeUndefined()
  })
})
