declare module '*.heddle' {
  const text: string
  export default text
}
declare module '*.css'
