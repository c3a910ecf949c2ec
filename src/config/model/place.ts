// Where in the configuration a thing was said, so that every refusal and local reply can point at it.

/** A spot in the configuration text. */
export interface Place {
  /** File as the user named it, or what stands for one, such as `--config-yaml`. */
  readonly file: string
  /** From 1; 0 when unknown. */
  readonly line: number
  /** From 1; 0 when unknown. */
  readonly column: number
  /** Field path, such as `static_resources.listeners[0].filter_chains[1]`. */
  readonly path: string
}

/** `file:line` for logs and reason headers. */
export const placeText = (place: Place): string => (place.line > 0 ? `${place.file}:${place.line}` : place.file)

/** `name:line` without folders: for what clients see, whom the folders of this host do not concern. */
export const placeHint = (place: Place): string => placeText({ ...place, file: place.file.replace(/^.*[/\\]/, '') })

/** The place of things that no configuration text named. */
export const NOWHERE: Place = { file: 'default', line: 0, column: 0, path: '' }
