/**
 * The cards that Heddle knows: what decides between two right schedules. An architecture says what a kernel may use, a
 * device how many processors there are to share it out to, and how fast they and their memory are.
 *
 *     defaultDevice('sm_80')     A100-SXM4-80GB: 108 SMs, 1410 MHz, 2039 GB/s
 *
 * Sources, named at each card: NVIDIA's white papers of the architectures ([Turing], [A100], [GA102], [Ada], [H100],
 * [RTX Blackwell]) and data sheets ([sheet]). `lanes` and `clock` are checked against the published peak of f32, which
 * is 2 x lanes x SMs x clock.
 */
export interface Device {
  /** As `nvidia-smi` prints it, without the maker. */
  readonly name: string
  /** `sm_80` */
  readonly architecture: string
  /** Streaming multiprocessors. */
  readonly sms: number
  /** MHz, the boost clock. */
  readonly clock: number
  /** f32 multiply-adds of an SM at each tick. [CUDA C++ Programming Guide, arithmetic instructions] */
  readonly lanes: number
  /** Of the memory, in GB/s (1e9 bytes). */
  readonly bandwidth: number
  /** Bytes of the second-level cache. */
  readonly l2: number
  /** The published peak of f32 without tensor cores, in TFLOPS. */
  readonly peak: number
}

const MiB = 2 ** 20

/** The first of an architecture is its default. */
export const devices: readonly Device[] = [
  // [Turing] appendix, [sheet] T4
  { name: 'T4', architecture: 'sm_75', sms: 40, clock: 1590, lanes: 64, bandwidth: 320, l2: 4 * MiB, peak: 8.1 },
  // [Turing] table 1, the reference card
  { name: 'RTX 2080 Ti', architecture: 'sm_75', sms: 68, clock: 1545, lanes: 64, bandwidth: 616, l2: 5.5 * MiB, peak: 13.4 },
  // [A100] table 1; [sheet] A100 for both sizes of memory
  { name: 'A100-SXM4-80GB', architecture: 'sm_80', sms: 108, clock: 1410, lanes: 64, bandwidth: 2039, l2: 40 * MiB, peak: 19.5 },
  { name: 'A100-SXM4-40GB', architecture: 'sm_80', sms: 108, clock: 1410, lanes: 64, bandwidth: 1555, l2: 40 * MiB, peak: 19.5 },
  // [sheet] A30
  { name: 'A30', architecture: 'sm_80', sms: 56, clock: 1440, lanes: 64, bandwidth: 933, l2: 24 * MiB, peak: 10.3 },
  // [GA102] tables 2 and 10
  { name: 'RTX 3090', architecture: 'sm_86', sms: 82, clock: 1695, lanes: 128, bandwidth: 936, l2: 6 * MiB, peak: 35.6 },
  { name: 'A40', architecture: 'sm_86', sms: 84, clock: 1740, lanes: 128, bandwidth: 696, l2: 6 * MiB, peak: 37.4 },
  // [sheet] A10
  { name: 'A10', architecture: 'sm_86', sms: 72, clock: 1695, lanes: 128, bandwidth: 600, l2: 6 * MiB, peak: 31.2 },
  // [Ada] tables 2 and 5
  { name: 'RTX 4090', architecture: 'sm_89', sms: 128, clock: 2520, lanes: 128, bandwidth: 1008, l2: 72 * MiB, peak: 82.6 },
  // [sheet] L4, L40S
  { name: 'L4', architecture: 'sm_89', sms: 58, clock: 2040, lanes: 128, bandwidth: 300, l2: 48 * MiB, peak: 30.3 },
  { name: 'L40S', architecture: 'sm_89', sms: 142, clock: 2520, lanes: 128, bandwidth: 864, l2: 96 * MiB, peak: 91.6 },
  // [H100] table 3, [sheet] H100; the clock follows from the sheet's peak
  { name: 'H100 80GB HBM3', architecture: 'sm_90', sms: 132, clock: 1980, lanes: 128, bandwidth: 3352, l2: 50 * MiB, peak: 66.9 },
  { name: 'H100 PCIe', architecture: 'sm_90', sms: 114, clock: 1755, lanes: 128, bandwidth: 2039, l2: 50 * MiB, peak: 51.2 },
  // [sheet] H200: the processor of the H100 SXM
  { name: 'H200', architecture: 'sm_90', sms: 132, clock: 1980, lanes: 128, bandwidth: 4800, l2: 50 * MiB, peak: 66.9 },
  // [sheet] HGX B200; NVIDIA states no size of the cache, this is `cudaDeviceProp.l2CacheSize`
  { name: 'B200', architecture: 'sm_100', sms: 148, clock: 1980, lanes: 128, bandwidth: 7700, l2: 126.5 * MiB, peak: 75 },
  // [RTX Blackwell] table 2
  { name: 'RTX 5090', architecture: 'sm_120', sms: 170, clock: 2407, lanes: 128, bandwidth: 1792, l2: 96 * MiB, peak: 104.8 }
]

/** What a program of an architecture (`sm_90a` as `sm_90`) is made for when nobody names a card. */
export function defaultDevice(architecture: string): Device {
  const base = /^sm_\d+/.exec(architecture)?.[0]
  const device = devices.find(d => d.architecture === base)
  if (!device) throw new Error(`No device of ${architecture} is known`)
  return device
}

export function deviceNamed(name: string): Device | undefined { return devices.find(d => d.name === name) }
