import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Slices in the order that data flows: a slice may import those to its left (ARCHITECTURE.md). `test/architecture` checks the same inside libs. */
const slices = [
  'access',
  'alerts',
  'catalog',
  'customers',
  'usage',
  'costs',
  'credits',
  'billing',
  'entitlements',
  'stripe',
  'margins',
  'simulations',
];
const foundation = ['lib:core', 'lib:database', 'lib:jobs'];

export default tseslint.config(
  { ignores: ['**/dist', '**/node_modules', '**/generated', '**/*.mjs', '**/*.cjs'] },
  js.configs.recommended,
  ...tseslint.configs.recommendedTypeChecked,
  {
    files: ['**/*.ts', '**/*.tsx'],
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './apps/dashboard/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          // What only tests read: fixtures, and the lists of examples that are decided differently.
          allow: ['\\.fixture\\.ts$', '/examples-decided-differently\\.ts$'],
          depConstraints: [
            { sourceTag: 'lib:core', onlyDependOnLibsWithTags: ['lib:core'] },
            { sourceTag: 'lib:client', onlyDependOnLibsWithTags: ['lib:client'] },
            { sourceTag: 'lib:database', onlyDependOnLibsWithTags: ['lib:core'] },
            { sourceTag: 'lib:jobs', onlyDependOnLibsWithTags: ['lib:core', 'lib:database'] },
            ...slices.map((slice, i) => ({
              sourceTag: `lib:${slice}`,
              onlyDependOnLibsWithTags: [...foundation, ...slices.slice(0, i + 1).map((s) => `lib:${s}`)],
            })),
            { sourceTag: 'app:dashboard', onlyDependOnLibsWithTags: ['app:dashboard'] },
            { sourceTag: 'type:app', onlyDependOnLibsWithTags: ['type:foundation', 'type:slice'] },
            { sourceTag: 'type:test', onlyDependOnLibsWithTags: ['*'] },
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      eqeqeq: ['error', 'smart'],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'stripe', message: 'Only libs/stripe talks to the SDK.' },
            { name: 'bullmq', message: 'Only libs/jobs knows the queue.' },
          ],
        },
      ],
    },
  },
  { files: ['libs/stripe/**/*.ts', 'libs/jobs/**/*.ts'], rules: { 'no-restricted-imports': 'off' } },
  {
    files: ['**/*.spec.ts', 'test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      'no-restricted-imports': 'off',
    },
  },
);
