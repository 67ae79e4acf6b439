export type { Cue, CueWord } from './subtitles/cue.ts';
export { cutSubtitles, type CutOptions } from './subtitles/cut.ts';
export { toSrt } from './subtitles/srt.ts';
export { toVtt } from './subtitles/vtt.ts';
