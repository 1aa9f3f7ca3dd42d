import { createTheme, type MantineColorsTuple } from "@mantine/core";

const petrol: MantineColorsTuple = [
  "#e9f4f7",
  "#d3e6ec",
  "#a6ccd9",
  "#76b1c5",
  "#4f9ab4",
  "#2f7f9a",
  "#1b6880",
  "#12566b",
  "#0d4556",
  "#083442",
];
const slate: MantineColorsTuple = [
  "#e8eef0",
  "#b4c1c7",
  "#94a3aa",
  "#5f6f77",
  "#3a4a52",
  "#29363d",
  "#1d282e",
  "#172025",
  "#10171b",
  "#0b1013",
];

/** The product's theme: petrol for what can be pressed, slate for the dark ground, system fonts. */
export const theme = createTheme({
  primaryColor: "petrol",
  primaryShade: { light: 7, dark: 6 },
  colors: { petrol, dark: slate },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SFMono-Regular", Menlo, "Liberation Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.25rem" },
  spacing: { xs: "4px", sm: "8px", md: "12px", lg: "16px", xl: "24px" },
  defaultRadius: 6,
  cursorType: "pointer",
  focusRing: "auto",
  headings: { fontWeight: "600" },
  components: {
    TextInput: { defaultProps: { size: "sm" } },
    PasswordInput: { defaultProps: { size: "sm" } },
    Select: { defaultProps: { size: "sm" } },
    Textarea: { defaultProps: { size: "sm" } },
    Button: { defaultProps: { size: "sm" } },
    Tooltip: {
      defaultProps: {
        withArrow: true,
        openDelay: 250,
        multiline: true,
        maw: 340,
        events: { hover: true, focus: true, touch: true },
      },
    },
  },
});
