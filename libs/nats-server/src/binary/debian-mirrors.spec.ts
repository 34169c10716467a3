import { describe, expect, test } from '@jest/globals';

import { debianMirrors, sourceStanza } from './debian-mirrors.js';

const inlineKey = 'Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----';

describe('Debian mirrors', () => {
  test.each([
    [
      'a deb822 file, its security archive left out',
      'debian.sources',
      `Types: deb
# an older snapshot is at http://old.example/debian
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main`,
      [{ uri: 'http://mirror.example/debian', signedBy: '/usr/share/keyrings/debian.gpg' }],
    ],
    [
      'two mirrors of one stanza',
      'debian.sources',
      'Types: deb deb-src\nURIs: http://a.example/debian http://b.example/debian\nSuites: stable\nComponents: main contrib',
      [
        { uri: 'http://a.example/debian', signedBy: undefined },
        { uri: 'http://b.example/debian', signedBy: undefined },
      ],
    ],
    [
      'an inline key',
      'debian.sources',
      `Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\n${inlineKey}`,
      [{ uri: 'http://a.example/debian', signedBy: inlineKey.slice('Signed-By:'.length) }],
    ],
    [
      'a disabled stanza',
      'debian.sources',
      'Enabled: no\nTypes: deb\nURIs: http://a.example/debian\nSuites: stable\nComponents: main',
      [],
    ],
    [
      'one-line entries with and without options, each mirror once',
      'sources.list',
      `# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://a.example/debian bookworm main # inside
deb https://a.example/debian bookworm main contrib
deb http://b.example/debian/ bookworm main
deb-src http://c.example/debian bookworm main`,
      [
        { uri: 'https://a.example/debian', signedBy: '/k.gpg' },
        { uri: 'http://b.example/debian/', signedBy: undefined },
      ],
    ],
    [
      'third parties and discs',
      'other.list',
      `deb http://vendor.example/apt tool-bookworm main
deb http://vendor.example/apt bookworm nightly
deb cdrom:[Debian]/ bookworm main`,
      [],
    ],
  ])('are derived from %s', (_case, name, text, mirrors) => {
    expect(debianMirrors([{ name, text }], 'bookworm')).toEqual(mirrors);
  });

  test('a stanza for another suite keeps the keys', () => {
    const [mirror] = debianMirrors(
      [
        {
          name: 'x.sources',
          text: `Types: deb\nURIs: http://a.example/d\nSuites: sid\nComponents: main\n${inlineKey}`,
        },
      ],
      undefined,
    );
    expect(mirror && sourceStanza(mirror, 'forky')).toBe(
      `Types: deb\nURIs: http://a.example/d\nSuites: forky\nComponents: main\nSigned-By: ${inlineKey.slice('Signed-By:'.length)}\n`,
    );
  });
});
