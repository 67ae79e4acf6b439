/** Where its codes are not those of ISO 639-1: https://elevenlabs.io/docs/models, https://elevenlabs.io/docs/overview/capabilities/dubbing. */
const CODES: Readonly<Record<string, string>> = { tl: 'fil' };

/** A language as ElevenLabs calls it. */
export const theirCode = (language: string): string => CODES[language] ?? language;
