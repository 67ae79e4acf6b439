import tseslint from 'typescript-eslint';
import { base } from '../scripts/lint/base.mjs';
import { directions } from '../scripts/lint/directions.mjs';

export default tseslint.config(...base(import.meta.dirname), ...directions());
