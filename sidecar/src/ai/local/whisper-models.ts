import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A whisper.cpp model in MODELS_DIR. */
export interface WhisperModel {
	path: string;
	/** `ggml-base.en.bin` is `base.en`. */
	name: string;
	bytes: number;
	/** Models of the kind `.en` know English only. */
	multilingual: boolean;
}

const FILE = /^ggml-(.+)\.bin$/;
/** `ggml`, as a number of 32 bits. */
const MAGIC = 0x67676d6c;
/** Size of the vocabulary of models that know English only; others have more (whisper.cpp, whisper_vocab). */
const ENGLISH_VOCABULARY = 51_864;

/** All models in the folder, the largest first. `unusable`: names of files that look like one and are none. */
export function findModels(folder: string): { models: WhisperModel[]; unusable: string[] } {
	const models: WhisperModel[] = [];
	const unusable: string[] = [];
	for (const file of namesIn(folder)) {
		const name = FILE.exec(file)?.[1];
		if (name === undefined) continue;
		const path = join(folder, file);
		const vocabulary = vocabularyOf(path);
		if (vocabulary === null) unusable.push(file);
		else models.push({ path, name, bytes: statSync(path).size, multilingual: vocabulary > ENGLISH_VOCABULARY });
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

/** Null: no model of whisper.cpp. Reads 8 bytes. */
function vocabularyOf(path: string): number | null {
	try {
		const file = openSync(path, 'r');
		try {
			const head = Buffer.alloc(8);
			const read = readSync(file, head, 0, head.length, 0);
			if (read < head.length || head.readUInt32LE(0) !== MAGIC) return null;
			const vocabulary = head.readInt32LE(4);
			return vocabulary >= ENGLISH_VOCABULARY ? vocabulary : null;
		} finally {
			closeSync(file);
		}
	} catch {
		return null;
	}
}
