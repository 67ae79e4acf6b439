import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A whisper.cpp model in MODELS_DIR. */
export interface WhisperModel {
	path: string;
	/** `ggml-base.en.bin` is `base.en`. */
	name: string;
	bytes: number;
	/** Another one where the file has been replaced. */
	version: string;
	/** Models of the kind `.en` know English only. */
	multilingual: boolean;
}

const FILE = /^ggml-(.+)\.bin$/;
/** `ggml`, as a number of 32 bits. */
const MAGIC = 0x67676d6c;
/** Size of the vocabulary of models that know English only; others have more (whisper.cpp, whisper_vocab). */
const ENGLISH_VOCABULARY = 51_864;
/** After the magic number and eleven numbers of 32 bits. */
const FILTERS_AT = 48;
/** Real ones have 80 or 128 by 201. */
const MOST_FILTERS = 1024;
/** Filters and vocabulary of real models take 0.7 MB. */
const HEAD_BYTES = 2 * 1024 * 1024;

/** All models in the folder, the largest first. `unusable`: names of files that look like one and are none. */
export function findModels(folder: string): { models: WhisperModel[]; unusable: string[] } {
	const models: WhisperModel[] = [];
	const unusable: string[] = [];
	for (const file of namesIn(folder)) {
		const name = FILE.exec(file)?.[1];
		if (name === undefined) continue;
		const path = join(folder, file);
		const found = look(path);
		if (found === null) unusable.push(file);
		else models.push({ path, name, ...found });
	}
	return { models: models.sort((a, b) => b.bytes - a.bytes || a.name.localeCompare(b.name)), unusable };
}

/**
 * The model for a language: the largest that knows it, because larger models understand better. Whoever prefers a faster one
 * leaves only that one in the folder. Without a language: the largest that can find it out; else one for English.
 */
export function chooseModel(models: readonly WhisperModel[], language: string | undefined): WhisperModel | null {
	if (language === 'en') return models[0] ?? null;
	const multilingual = models.find((model) => model.multilingual) ?? null;
	return language === undefined ? (multilingual ?? models[0] ?? null) : multilingual;
}

function namesIn(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

/** By path: what was found in a file when it had this version. */
const looked = new Map<string, { version: string; vocabulary: number | null }>();

/** Null: no model of whisper.cpp. Reads the file's head when it is new. */
function look(path: string): Pick<WhisperModel, 'bytes' | 'version' | 'multilingual'> | null {
	try {
		const stats = statSync(path);
		if (!stats.isFile()) return null;
		const { size: bytes, mtimeMs } = stats;
		const version = `${bytes} ${mtimeMs}`;
		let found = looked.get(path);
		if (found?.version !== version) looked.set(path, (found = { version, vocabulary: vocabularyOf(headOf(path)) }));
		const { vocabulary } = found;
		return vocabulary === null ? null : { bytes, version, multilingual: vocabulary > ENGLISH_VOCABULARY };
	} catch {
		return null;
	}
}

function headOf(path: string): Buffer {
	const file = openSync(path, 'r');
	try {
		const head = Buffer.alloc(HEAD_BYTES);
		return head.subarray(0, readSync(file, head, 0, head.length, 0));
	} finally {
		closeSync(file);
	}
}

/**
 * Size of the vocabulary; null where the file is no model, or ends before its vocabulary does: whisper.cpp crashes, or reads on
 * for ever, where it should find a length and finds nothing (tried, with every kind of cut). What is missing later, it notices.
 * The layout is that of its whisper_model_load. Pure.
 */
export function vocabularyOf(head: Buffer): number | null {
	const number = (at: number): number => (at + 4 <= head.length ? head.readInt32LE(at) : -1);
	const vocabulary = number(4);
	const [mels, bins] = [number(FILTERS_AT), number(FILTERS_AT + 4)];
	if (number(0) !== MAGIC || vocabulary < ENGLISH_VOCABULARY || mels < 1 || mels > MOST_FILTERS || bins < 1 || bins > MOST_FILTERS) return null;
	let at = FILTERS_AT + 8 + mels * bins * 4;
	const words = number(at);
	if (words < 1 || words > vocabulary) return null;
	at += 4;
	for (let word = 0; word < words; word++) {
		const length = number(at);
		if (length < 0 || at + 4 + length > head.length) return null;
		at += 4 + length;
	}
	return vocabulary;
}
