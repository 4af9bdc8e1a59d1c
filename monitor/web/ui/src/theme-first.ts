// Runs before the first paint, so that a dark page never flashes light.
import { readTheme, showTheme } from "./theme.ts";

showTheme(readTheme());
