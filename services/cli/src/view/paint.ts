export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Puts a text into a style, or leaves it where there are no colours. */
export type Paint = (style: Style, text: string) => string;

export const noPaint: Paint = (_style, text) => text;
