// Nominal types: a brand keeps two values of one shape apart at compile time and costs nothing at run time.

declare const brand: unique symbol

/** `T` marked as `Name`; made only by the one function that checks or produces it. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }
