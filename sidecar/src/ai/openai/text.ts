/** Half of an emoji, e.g. where a text was cut: JSON with it is refused. */
const LONE = /\p{Surrogate}/gu;

/** A text without halves of characters. */
export const whole = (text: string): string => text.replace(LONE, '');
