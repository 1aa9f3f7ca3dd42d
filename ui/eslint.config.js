import js from "@eslint/js";
import a11y from "eslint-plugin-jsx-a11y";
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
  { ignores: ["dist", "node_modules", "src/api/schema.d.ts", "public"] },
  js.configs.recommended,
  ...ts.configs.strict,
  {
    files: ["src/**/*.{ts,tsx}"],
    extends: [a11y.flatConfigs.strict, hooks.configs.flat.recommended],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Text from accounts and events is shown as text, never as markup.",
        },
      ],
      "no-restricted-globals": ["error", { name: "fetch", message: "Use the typed client in src/api/client.ts." }],
    },
  },
  {
    files: ["stories/*.mjs"],
    languageOptions: {
      globals: { clearTimeout: "readonly", console: "readonly", process: "readonly", setTimeout: "readonly" },
    },
  },
  {
    files: ["**/*.{ts,tsx}"],
    rules: {
      "max-lines": ["error", { max: 350, skipBlankLines: true, skipComments: true }],
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: ["error", "always"],
    },
  },
);
