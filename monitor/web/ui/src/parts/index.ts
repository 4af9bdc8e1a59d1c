export { FaultBadge, Level, LEVEL_SAYS, SeverityBadge, VerdictBadge } from "./badges.tsx";
export { Card } from "./card.tsx";
export { EmptyState, ErrorLine, Loading } from "./states.tsx";
export { Sparkline, StripBars } from "./strip.tsx";
export { openable, Table } from "./table.tsx";
export type { Column } from "./table.tsx";
export { Age, When } from "./time.tsx";
