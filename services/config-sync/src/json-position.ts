const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

interface Frame {
  readonly isArray: boolean;
  /** The index or key of the value that comes next. */
  step: string | number;
}

/** The offset at which the value at `path` starts in a valid JSON text; `undefined` when there is none. */
export function locateInJson(text: string, path: readonly (string | number)[]): number | undefined {
  const frames: Frame[] = [];
  let before = '';
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const frame = frames.at(-1);
    if (token === '}' || token === ']') frames.pop();
    else if (token === ',' && frame?.isArray) frame.step = Number(frame.step) + 1;
    else if (token !== ',' && token !== ':') {
      const isKey = frame !== undefined && !frame.isArray && before !== ':';
      if (isKey) frame.step = String(JSON.parse(token));
      else if (isAt(frames, path)) return match.index;
      if (token === '{') frames.push({ isArray: false, step: '' });
      if (token === '[') frames.push({ isArray: true, step: 0 });
    }
    before = token;
  }
  return undefined;
}

function isAt(frames: readonly Frame[], path: readonly (string | number)[]): boolean {
  return frames.length === path.length && frames.every(({ step }, index) => step === path[index]);
}
