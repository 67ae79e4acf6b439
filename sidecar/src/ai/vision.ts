import type { Answered, Box, Picture, Provider } from './provider.ts';

interface LookOptions {
	signal: AbortSignal;
	onProgress?(percent: number): void;
}

/** What a picture as a whole is about. */
export interface Labeler extends Provider {
	/** One list per picture, best first. */
	label(pictures: readonly Picture[], options: LookOptions): Promise<Answered & { labels: Label[][] }>;
}
export interface Label {
	/** English, lower case, e.g. `bicycle`. */
	label: string;
	/** 0 to 1 */
	score: number;
}

/** Where things are. */
export interface ObjectDetector extends Provider {
	detectObjects(pictures: readonly Picture[], options: LookOptions): Promise<Answered & { objects: Detection[][] }>;
}
export interface Detection extends Label {
	box: Box;
}

/** Where faces are. Boxes only: who it is, is never asked. */
export interface FaceDetector extends Provider {
	detectFaces(pictures: readonly Picture[], options: LookOptions): Promise<Answered & { faces: Face[][] }>;
}
export interface Face {
	box: Box;
	/** 0 to 1 */
	score: number;
}

/** Text that stands in a picture (OCR). */
export interface TextReader extends Provider {
	read(pictures: readonly Picture[], options: LookOptions): Promise<Answered & { texts: TextBlock[][] }>;
}
export interface TextBlock {
	text: string;
	box: Box;
	/** 0 to 1 */
	score: number;
}

/** How unsafe for work a picture is. */
export interface Moderator extends Provider {
	/** Per picture the score of each category, 0 to 1. A provider leaves out the categories that it does not know. */
	moderate(pictures: readonly Picture[], options: LookOptions): Promise<Answered & { scores: SafetyScores[] }>;
}
/** `sexual`: pornography. `suggestive`: bare skin without sex. */
export const SAFETY_CATEGORIES = ['sexual', 'suggestive', 'violence', 'self_harm', 'hate'] as const;
export type SafetyCategory = (typeof SAFETY_CATEGORIES)[number];
export type SafetyScores = Partial<Record<SafetyCategory, number>>;
