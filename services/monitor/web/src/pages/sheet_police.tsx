// 警察通報シート: what 110 and #9110 ask, in the order they ask it. What the record does not say is left to
// be written by hand, never guessed.
import type { RecordPage } from "../api";
import { dateTime } from "../lib/format";
import { givePurpose, PurposeForm, usePurpose } from "../lib/purpose";
import { useResource } from "../lib/resource";
import { useNames } from "../lib/session";
import { Row, Sheet } from "../lib/sheet";
import { Await, Panel } from "../lib/ui";
import { t } from "../lib/words";
import { placeName } from "./incident";

export function PoliceSheet({ record }: { record: string }) {
    const purpose = usePurpose(record);
    const path =
        purpose === undefined
            ? null
            : `/incidents/${encodeURIComponent(record)}?purpose=${encodeURIComponent(purpose)}`;
    const page = useResource<RecordPage>(path);
    if (purpose === undefined)
        return (
            <>
                <h1>{t("sheet.police")}</h1>
                <Panel title={t("purpose.ask")}>
                    <PurposeForm onGive={(given) => givePurpose(record, given)} />
                </Panel>
            </>
        );
    return (
        <Sheet name={t("sheet.police")} paper="警察通報シート(110番・#9110)">
            <Await of={page}>{(data) => <Paper record={data} />}</Await>
        </Sheet>
    );
}

const PRESENT = { yes: "いる", no: "いない", unknown: undefined } as const;
const INJURED = { yes: "あり", no: "なし", unknown: undefined } as const;
const SEX = { female: "女性", male: "男性" } as const;

function wordsAt(record: RecordPage, place: string): string {
    const found = record.words?.filter((one) => one.place.includes(place)).map((one) => one.text);
    return found?.join("、") ?? "";
}

function ageOf({ offender }: RecordPage): string {
    if (offender?.ageFrom === undefined) return "";
    return `${offender.ageFrom}〜${offender.ageTo ?? ""}歳くらい`;
}

function Paper({ record }: { record: RecordPage }) {
    const names = useNames();
    const place = record.concernedSite || record.site;
    const site = names.sites.get(place);
    const { offender, victim, stillPresent } = record;
    const isUrgent = stillPresent === "yes" || victim?.injured === "yes";
    const said =
        record.words?.filter((one) => placeName(one.place) === placeName("incident.words[0]")) ??
        [];
    return (
        <>
            <p class="callout">
                {isUrgent
                    ? "相手方が現場にいる、またはけが人がいます。ためらわず 110番 に通報してください。"
                    : "急を要するときは 110番、相談は #9110(警察相談専用電話)へ。"}
            </p>
            <table class="form">
                <tbody>
                    <Row name="いつ">
                        {dateTime(record.startAt)} 〜 {dateTime(record.endAt)}
                    </Row>
                    <Row name="どこで(拠点)">{names.site(place)}</Row>
                    <Row name="住所">{site?.address}</Row>
                    <Row name="目標物">{record.spot?.landmark || site?.landmark}</Row>
                    <Row name="階・場所">
                        {[
                            record.spot?.floor && `${record.spot.floor}階`,
                            record.spot?.till && `レジ ${record.spot.till}`,
                        ]
                            .filter(Boolean)
                            .join(" ")}
                    </Row>
                    <Row name="何があったか">
                        {record.categories.map((one) => names.category(one)).join("、")}
                    </Row>
                    <Row name="今も現場にいるか">{stillPresent && PRESENT[stillPresent]}</Row>
                    <Row name="けが人">
                        {[victim?.injured && INJURED[victim.injured], wordsAt(record, "injury")]
                            .filter(Boolean)
                            .join(" ")}
                    </Row>
                    <Row name="凶器" />
                    <Row name="相手方の人数">
                        {offender?.count !== undefined && `${offender.count}人`}
                    </Row>
                    <Row name="性別">{offender?.sex && SEX[offender.sex]}</Row>
                    <Row name="年齢">{ageOf(record)}</Row>
                    <Row name="服装・特徴">{wordsAt(record, "clothes")}</Row>
                    <Row name="逃げた方向・車両">
                        {wordsAt(record, "direction") || wordsAt(record, "flight")}
                    </Row>
                    <Row name="発言(そのまま)">
                        {said.length > 0 &&
                            said.map((one) => (
                                <p key={`${one.recordId} ${one.place}`}>「{one.text}」</p>
                            ))}
                    </Row>
                    <Row name="証拠">
                        {record.evidence.length > 0 &&
                            `${record.evidence.length}件(録音・映像など)`}
                    </Row>
                    <Row name="通報・相談の記録">
                        {record.police.length > 0 &&
                            record.police.map((one) => (
                                <p key={`${one.line} ${one.at}`}>
                                    {one.line === "9110"
                                        ? "#9110"
                                        : one.line === "110"
                                          ? "110番"
                                          : "警察署"}{" "}
                                    {one.at && dateTime(one.at)} {one.station}{" "}
                                    {one.reportNumber && `受理番号 ${one.reportNumber}`}
                                </p>
                            ))}
                    </Row>
                    <Row name="通報者(連絡先)" />
                    <Row name="記録番号">
                        <code>{record.recordId}</code>
                    </Row>
                </tbody>
            </table>
        </>
    );
}
