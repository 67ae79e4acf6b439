import { base } from './lint/base.mjs';

export default base(import.meta.dirname);
