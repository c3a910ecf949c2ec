// What local_reply_config needs of the formatter, compiled once per mapper or format.

import type { LocalReplyFormat, LocalReplyMapper } from '../config/model/http-connection-manager.ts'
import type { ReplyTools } from '../connection/local-reply-config.ts'
import { compile } from '../format/compile.ts'
import { compileJson, isTemplate } from '../format/compile-json.ts'
import { evaluate } from '../format/evaluate.ts'
import { logFilter, type FactsPredicate } from '../observe/access-log/log-filter.ts'
import type { StreamFacts } from '../format/stream-facts.ts'

const filters = new WeakMap<LocalReplyMapper, FactsPredicate>()
const formats = new WeakMap<LocalReplyFormat, (facts: StreamFacts) => string>()

export const replyTools: ReplyTools = {
  matches(mapper, facts) {
    let filter = filters.get(mapper)
    if (filter === undefined) {
      filter = logFilter(mapper.filter)
      filters.set(mapper, filter)
    }
    return filter(facts)
  },
  format(format, facts) {
    let print = formats.get(format)
    if (print === undefined) {
      print = printer(format)
      formats.set(format, print)
    }
    return print(facts)
  },
  headerValue: (addition, facts) => evaluate(addition.value, facts),
}

function printer({ template }: LocalReplyFormat): (facts: StreamFacts) => string {
  if (!isTemplate(template)) return compileJson(template, { omitEmpty: false, typed: true })
  const text = compile(template, '-')
  return (facts) => text(facts) ?? '-'
}
