import { asset } from './asset';
import { binary } from './binary';
import { discord } from './discord';
import { dropbox } from './dropbox';
import { dropboxFolder } from './dropboxFolder';
import { googleDrive } from './googleDrive';
import { googleDriveFolder } from './googleDriveFolder';
import { rss } from './rss';
import { s3 } from './s3';
import { s3Prefix } from './s3Prefix';
import type { IngestSource } from './source';
import { url } from './url';
import { watchFolder } from './watchFolder';

/** The first one is preselected. */
export const sources: readonly IngestSource[] = [url, binary, googleDrive, googleDriveFolder, dropbox, dropboxFolder, discord, s3, s3Prefix, rss, watchFolder, asset];
