/** A Debian archive that this machine is configured to use (format: sources.list(5)). */
export interface DebianMirror {
  readonly uri: string;
  /** Keyring path, fingerprints or an inline key block, as configured; undefined means apt's trusted keys. */
  readonly signedBy: string | undefined;
}

/** A file of /etc/apt that names sources. */
export interface SourcesFile {
  readonly name: string;
  readonly text: string;
}

const releaseAliases = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];

interface SourceEntry extends DebianMirror {
  readonly types: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly enabled: boolean;
}

/**
 * The archives among the configured sources that carry the running release itself, without duplicates.
 * Third parties and security archives are left out: they have no other releases of Debian.
 */
export function debianMirrors(files: readonly SourcesFile[], codename: string | undefined): DebianMirror[] {
  const releases = codename === undefined ? releaseAliases : [codename, ...releaseAliases];
  const mirrors = new Map<string, DebianMirror>();
  for (const file of files) {
    const entries = file.name.endsWith('.sources') ? deb822Entries(file.text) : oneLineEntries(file.text);
    for (const entry of entries) {
      const carriesRelease = entry.suites.some((suite) => releases.includes(suite));
      if (!entry.enabled || !entry.types.includes('deb') || !entry.components.includes('main') || !carriesRelease)
        continue;
      if (entry.uri.startsWith('cdrom:') || mirrors.has(entry.uri)) continue;
      mirrors.set(entry.uri, { uri: entry.uri, signedBy: entry.signedBy });
    }
  }
  return [...mirrors.values()];
}

/** A deb822 stanza for one suite of a mirror, signature checks as configured. */
export function sourceStanza(mirror: DebianMirror, suite: string): string {
  const lines = ['Types: deb', `URIs: ${mirror.uri}`, `Suites: ${suite}`, 'Components: main'];
  if (mirror.signedBy !== undefined) lines.push(`Signed-By: ${mirror.signedBy}`);
  return `${lines.join('\n')}\n`;
}

function oneLineEntries(text: string): SourceEntry[] {
  const entries: SourceEntry[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    const [, type = '', options = '', uri = '', suite = '', components = ''] = match ?? [];
    if (match === null) continue;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    entries.push({ types: [type], uri, suites: [suite], components: words(components), signedBy, enabled: true });
  }
  return entries;
}

function deb822Entries(text: string): SourceEntry[] {
  const uncommented = text.split('\n').filter((line) => !line.startsWith('#'));
  return uncommented
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = fieldsOf(stanza);
      return words(fields.get('uris')).map((uri) => ({
        uri,
        types: words(fields.get('types')),
        suites: words(fields.get('suites')),
        components: words(fields.get('components')),
        signedBy: fields.get('signed-by'),
        enabled: !/^(no|false|off|0)$/i.test(fields.get('enabled') ?? 'yes'),
      }));
    });
}

/** Field names in lower case; continuation lines stay as they are, so that an inline key survives. */
function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>();
  let current: string | undefined;
  for (const line of stanza.split('\n')) {
    const field = /^([A-Za-z][\w-]*):\s*(.*)$/.exec(line);
    if (field !== null) {
      current = field[1]?.toLowerCase() ?? '';
      fields.set(current, field[2]?.trim() ?? '');
    } else if (current !== undefined && /^\s/.test(line)) {
      fields.set(current, `${fields.get(current) ?? ''}\n${line.trimEnd()}`);
    }
  }
  return fields;
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => word !== '');
}
