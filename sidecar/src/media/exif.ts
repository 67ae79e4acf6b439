import readExif, { type Exif } from 'exif-reader';
import { readMetadata } from './images.ts';

/** What a camera wrote into a picture. Null where the picture does not say. */
export interface ExifFacts {
	cameraMake: string | null;
	cameraModel: string | null;
	lens: string | null;
	software: string | null;
	artist: string | null;
	copyright: string | null;
	/** ISO 8601. Without a time zone in the file it is taken as UTC. */
	takenAt: string | null;
	exposureSeconds: number | null;
	fNumber: number | null;
	iso: number | null;
	focalLengthMm: number | null;
	/** Degrees, north and east positive. */
	latitude: number | null;
	longitude: number | null;
}

/** Null where there is no EXIF, or nobody can read it: a damaged note about a picture is no reason to refuse the picture. */
export async function exifOf(path: string): Promise<ExifFacts | null> {
	try {
		const { exif } = await readMetadata(path);
		return exif ? toExifFacts(readExif(exif)) : null;
	} catch {
		return null;
	}
}

/** Pure. Everything in it comes from outside: lengths are bounded, and values of the wrong kind are left out. */
export function toExifFacts({ Image = {}, Photo = {}, GPSInfo = {} }: Pick<Exif, 'Image' | 'Photo' | 'GPSInfo'>): ExifFacts {
	return {
		cameraMake: text(Image.Make),
		cameraModel: text(Image.Model),
		lens: text(Photo.LensModel),
		software: text(Image.Software),
		artist: text(Image.Artist),
		copyright: text(Image.Copyright),
		takenAt: moment(Photo.DateTimeOriginal ?? Image.DateTime),
		exposureSeconds: number(Photo.ExposureTime),
		fNumber: number(Photo.FNumber),
		iso: number(Photo.ISOSpeedRatings),
		focalLengthMm: number(Photo.FocalLength),
		latitude: degrees(GPSInfo.GPSLatitude, GPSInfo.GPSLatitudeRef, 'S', 90),
		longitude: degrees(GPSInfo.GPSLongitude, GPSInfo.GPSLongitudeRef, 'W', 180),
	};
}

const MAX_TEXT = 200;

function text(value: unknown): string | null {
	if (typeof value !== 'string') return null;
	// eslint-disable-next-line no-control-regex -- cameras pad with NUL, and nothing else of the kind belongs there
	const clean = value.replace(/[\u0000-\u001f\u007f]/g, '').trim().slice(0, MAX_TEXT);
	return clean === '' ? null : clean;
}
const number = (value: unknown): number | null => (typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null);
const moment = (value: unknown): string | null => (value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : null);

/** Degrees, minutes and seconds. */
function degrees(value: unknown, reference: unknown, negative: string, most: number): number | null {
	if (!Array.isArray(value) || value.length === 0 || value.length > 3) return null;
	const parts = value.map(number);
	if (parts.includes(null)) return null;
	const [whole = 0, minutes = 0, seconds = 0] = parts as number[];
	const found = whole + minutes / 60 + seconds / 3600;
	return found <= most ? Math.round((reference === negative ? -found : found) * 1e6) / 1e6 : null;
}
