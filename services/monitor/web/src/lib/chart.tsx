// Small charts as SVG, drawn by attributes and classes only (no style attribute: the page's policy forbids
// them). Each is a picture with a name; the figures stand beside it in a table.
import { monthDay, number } from "./format";

const WIDTH = 640;
const HEIGHT = 180;
const LEFT = 44;
const BOTTOM = 22;
const TOP = 10;

/** The smallest 1, 2 or 5 × 10ⁿ scale of up to 4 steps that holds max. */
export function scaleFor(max: number): { top: number; step: number } {
    const rough = Math.max(1, max) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = Math.max(1, ([1, 2, 5, 10].find((one) => one * power >= rough) ?? 10) * power);
    return { top: step * Math.ceil(Math.max(1, max) / step), step };
}

export interface TrendPoint {
    day: string;
    contacts: number;
    incidents: number;
}

function Axis(props: {
    top: number;
    step: number;
    y: (value: number) => number;
    isRight?: boolean;
}) {
    const marks: number[] = [];
    for (let value = 0; value <= props.top; value += props.step) marks.push(value);
    return (
        <g class="axis">
            {marks.map((value) => (
                <g key={value}>
                    {!props.isRight && (
                        <line x1={LEFT} x2={WIDTH - LEFT} y1={props.y(value)} y2={props.y(value)} />
                    )}
                    <text
                        x={props.isRight ? WIDTH - LEFT + 6 : LEFT - 6}
                        y={props.y(value) + 4}
                        text-anchor={props.isRight ? "start" : "end"}
                        class={props.isRight ? "strong" : undefined}
                    >
                        {number(value)}
                    </text>
                </g>
            ))}
        </g>
    );
}

/** Contacts as bars on the left scale, incidents as a line on the right one. */
export function TrendChart(props: { points: readonly TrendPoint[]; label: string }) {
    const { points } = props;
    const bars = scaleFor(Math.max(0, ...points.map((point) => point.contacts)));
    const line = scaleFor(Math.max(0, ...points.map((point) => point.incidents)));
    const inner = HEIGHT - TOP - BOTTOM;
    const slot = (WIDTH - 2 * LEFT) / Math.max(1, points.length);
    const yBar = (value: number) => TOP + inner * (1 - value / bars.top);
    const yLine = (value: number) => TOP + inner * (1 - value / line.top);
    const x = (index: number) => LEFT + slot * (index + 0.5);
    const every = Math.max(1, Math.ceil(points.length / 8));
    return (
        <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={props.label}>
            <Axis top={bars.top} step={bars.step} y={yBar} />
            <Axis top={line.top} step={line.step} y={yLine} isRight />
            {points.map((point, index) => (
                <rect
                    key={point.day}
                    class="rod"
                    x={x(index) - slot * 0.36}
                    width={slot * 0.72}
                    y={yBar(point.contacts)}
                    height={TOP + inner - yBar(point.contacts)}
                />
            ))}
            <polyline
                class="line"
                points={points
                    .map((point, index) => `${x(index)},${yLine(point.incidents)}`)
                    .join(" ")}
            />
            {points.map((point, index) => (
                <circle
                    key={point.day}
                    class="dot"
                    cx={x(index)}
                    cy={yLine(point.incidents)}
                    r={2.6}
                >
                    <title>{`${monthDay(point.day)}  ${point.incidents} / ${point.contacts}`}</title>
                </circle>
            ))}
            {points.map((point, index) =>
                (points.length - 1 - index) % every === 0 ? (
                    <text
                        key={point.day}
                        class="tick"
                        x={x(index)}
                        y={HEIGHT - 6}
                        text-anchor="middle"
                    >
                        {monthDay(point.day)}
                    </text>
                ) : null,
            )}
        </svg>
    );
}

export interface BarRow {
    key: string;
    label: string;
    value: number | undefined; // undefined: not told
}

/** Columns, for what has an order (hours, weekdays). */
export function ColumnChart(props: { rows: readonly BarRow[]; label: string }) {
    const scale = scaleFor(Math.max(0, ...props.rows.map((row) => row.value ?? 0)));
    const inner = HEIGHT - TOP - BOTTOM;
    const slot = (WIDTH - LEFT - 8) / Math.max(1, props.rows.length);
    const y = (value: number) => TOP + inner * (1 - value / scale.top);
    const every = Math.ceil(props.rows.length / 12);
    return (
        <svg class="chart" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={props.label}>
            <Axis top={scale.top} step={scale.step} y={y} />
            {props.rows.map((row, index) => (
                <g key={row.key}>
                    <rect
                        class="rod accent"
                        x={LEFT + slot * (index + 0.14)}
                        width={slot * 0.72}
                        y={y(row.value ?? 0)}
                        height={TOP + inner - y(row.value ?? 0)}
                    />
                    {index % every === 0 && (
                        <text
                            class="tick"
                            x={LEFT + slot * (index + 0.5)}
                            y={HEIGHT - 6}
                            text-anchor="middle"
                        >
                            {row.label}
                        </text>
                    )}
                </g>
            ))}
        </svg>
    );
}

const ROW = 26;

/** Bars that lie, for what has names. */
export function BarChart(props: {
    rows: readonly BarRow[];
    label: string;
    told?: (value: number) => string;
}) {
    const told = props.told ?? number;
    const max = Math.max(Number.MIN_VALUE, ...props.rows.map((row) => row.value ?? 0));
    const height = ROW * Math.max(1, props.rows.length);
    const left = 170;
    return (
        <svg class="chart" viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={props.label}>
            {props.rows.map((row, index) => (
                <g key={row.key}>
                    <text class="name" x={left - 10} y={index * ROW + 17} text-anchor="end">
                        {row.label.length > 14 ? `${row.label.slice(0, 13)}…` : row.label}
                    </text>
                    <rect
                        class="rod accent"
                        x={left}
                        y={index * ROW + 4}
                        height={ROW - 8}
                        width={Math.max(
                            row.value ? 2 : 0,
                            ((row.value ?? 0) / max) * (WIDTH - left - 70),
                        )}
                    />
                    <text
                        class="value"
                        x={left + ((row.value ?? 0) / max) * (WIDTH - left - 70) + 6}
                        y={index * ROW + 17}
                    >
                        {row.value === undefined ? "—" : told(row.value)}
                    </text>
                </g>
            ))}
        </svg>
    );
}

/** A bar inside a table's cell: how much of max. */
export function CellBar(props: { value: number; max: number }) {
    return (
        <svg class="cell-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
            <rect
                class="rod accent"
                x={0}
                y={0}
                height={8}
                width={props.max > 0 ? (props.value / props.max) * 100 : 0}
            />
        </svg>
    );
}
