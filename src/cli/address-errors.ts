// Usage errors about an address that may hold a password: commander repeats the argument, and standard error is kept by
// service managers and build logs.

import type { Command } from 'commander'

/** How commander begins an error about an address: of an option that takes one, or of a command's own argument. */
const ABOUT_ADDRESS = /^(error: (?:option '--via <url>' argument|command-argument value)) '[^]*' (is invalid)/

/** Leaves the address out of what `command` says about it. */
export const withoutAddresses = (command: Command): Command =>
  command.configureOutput({ outputError: (text, write) => write(text.replace(ABOUT_ADDRESS, '$1 $2')) })
