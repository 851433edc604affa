/* Both languages side by side, so that neither is forgotten. */
#include "services/cli/explain_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "services/cli/naming.h"
#include "services/common/base/clock.h"
#include "services/common/base/timefmt.h"
#include "services/common/base/uuid.h"
#include "services/common/correlate/steps.h"

#define JAPAN_US (9 * CLOCK_US_PER_HOUR)

struct pair {
    const char *ja, *en;
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *pick(const struct explain *x, const struct pair *pairs, size_t count,
                        size_t index)
{
    if (index >= count || pairs[index].ja == NULL)
        return explain_word(x, "不明", "unknown");
    return explain_word(x, pairs[index].ja, pairs[index].en);
}

void explain_put(const struct explain *x, const char *ja, const char *en)
{
    buf_add_str(x->out, explain_word(x, ja, en));
}

/* ---- words for numbers ---- */

const char *explain_kind(const struct explain *x, uint32_t kind)
{
    static const struct pair WORDS[] = {
        [FACT_KIND_HANDLE] = {"付与ID", "handle"},
        [FACT_KIND_MEMBER] = {"会員番号", "member number"},
        [FACT_KIND_ACCOUNT] = {"アカウント", "account"},
        [FACT_KIND_PHONE] = {"電話番号", "phone number"},
        [FACT_KIND_MAIL] = {"メールアドレス", "mail address"},
        [FACT_KIND_VEHICLE] = {"車両番号", "vehicle number"},
        [FACT_KIND_SNS] = {"SNSアカウント", "SNS account"},
        [FACT_KIND_NAME] = {"氏名", "name"},
    };
    return pick(x, WORDS, COUNT(WORDS), kind);
}

const char *explain_assurance(const struct explain *x, uint32_t assurance)
{
    static const struct pair WORDS[] = {
        [1] = {"手入力", "typed"},
        [2] = {"確認済み", "confirmed"},
        [3] = {"読み取り", "scanned"},
        [4] = {"回線からの通知", "carried by the network"},
    };
    return pick(x, WORDS, COUNT(WORDS), assurance);
}

const char *explain_channel(const struct explain *x, uint32_t channel)
{
    static const struct pair WORDS[] = {
        {"経路不明", "unknown channel"},
        {"対面", "face to face"},
        {"電話", "phone"},
        {"訪問", "visit"},
        {"メール", "mail"},
        {"チャット", "chat"},
        {"SNS", "SNS"},
        {"その他", "other"},
    };
    return pick(x, WORDS, COUNT(WORDS), channel);
}

const char *explain_direction(const struct explain *x, uint32_t direction)
{
    static const struct pair WORDS[] = {
        [FACT_DIRECTION_NONE] = {"方向の記載なし", "no direction given"},
        [FACT_DIRECTION_INBOUND] = {"お客様から", "inbound"},
        [FACT_DIRECTION_OUTBOUND] = {"当社から", "outbound"},
        [FACT_DIRECTION_INTERNAL] = {"社内", "internal"},
    };
    return pick(x, WORDS, COUNT(WORDS), direction);
}

const char *explain_verdict(const struct explain *x, enum fact_verdict verdict)
{
    static const struct pair WORDS[] = {
        [FACT_VERDICT_COMPLAINT] = {"正当な苦情・ご意見", "complaint"},
        [FACT_VERDICT_SUSPECTED] = {"カスハラの疑い(確認中)", "suspected"},
        [FACT_VERDICT_CONFIRMED] = {"カスハラに該当", "confirmed"},
        [FACT_VERDICT_REJECTED] = {"非該当", "rejected"},
    };
    return pick(x, WORDS, COUNT(WORDS), verdict);
}

const char *explain_rule(const struct explain *x, enum rule rule)
{
    static const struct pair WORDS[] = {
        [RULE_CONFINEMENT] = {"長時間拘束", "confinement"},
        [RULE_REPETITION] = {"リピート", "repetition"},
        [RULE_REPEAT_MATTER] = {"リピート(同一用件の繰り返し)", "repeat_matter"},
        [RULE_CROSS_SITE] = {"複数拠点", "cross_site"},
        [RULE_ESCALATION] = {"言動の悪化", "escalation"},
    };
    return pick(x, WORDS, COUNT(WORDS), rule);
}

const char *explain_state(const struct explain *x, enum occurrence_state state)
{
    static const struct pair WORDS[] = {
        [OCCURRENCE_STATE_OPEN] = {"検知の対象", "counts"},
        [OCCURRENCE_STATE_INNOCENT] = {"対象外(正当な苦情または非該当の判定あり)",
                                       "does not count: a verdict says complaint or rejected"},
        [OCCURRENCE_STATE_DISPUTED] = {"対象外(判定が分かれている)",
                                       "does not count: verdicts contradict each other"},
    };
    return pick(x, WORDS, COUNT(WORDS), state);
}

/* ---- values ---- */

void explain_put_text(const struct explain *x, struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        buf_add_char(x->out, text.data[i] < ' ' || text.data[i] == 0x7f ? '?' : (char)text.data[i]);
}

void explain_put_id(const struct explain *x, const uint8_t bytes[16])
{
    char text[UUID_TEXT_BYTES];
    struct uuid uuid;
    memcpy(uuid.bytes, bytes, sizeof(uuid.bytes));
    uuid_format(&uuid, text);
    buf_add_str(x->out, text);
}

void explain_put_time(const struct explain *x, int64_t at_us)
{
    enum { MINUTES_BYTES = 16 };
    char text[TIMEFMT_TEXT_BYTES];
    timefmt_format_utc(at_us + JAPAN_US, text);
    text[10] = ' ';
    text[MINUTES_BYTES] = '\0';
    buf_add_str(x->out, text);
}

void explain_put_span(const struct explain *x, int64_t us)
{
    static const struct {
        int64_t us;
        const char *ja, *en;
    } UNITS[] = {
        {CLOCK_US_PER_DAY, "日", " d"},
        {60 * CLOCK_US_PER_S, "分", " min"},
        {CLOCK_US_PER_S, "秒", " s"},
    };
    for (size_t i = 0; i < COUNT(UNITS); i++)
        if (i + 1 == COUNT(UNITS) || (us >= UNITS[i].us && us % UNITS[i].us == 0) ||
            (i == 1 && us >= UNITS[i].us)) {
            buf_addf(x->out, "%" PRId64 "%s", us / UNITS[i].us,
                     explain_word(x, UNITS[i].ja, UNITS[i].en));
            return;
        }
}

/* ---- things ---- */

void explain_put_class(const struct explain *x, size_t class)
{
    char text[NAMING_TOKEN_BYTES];
    const struct fact_token *token = &x->d->tokens[x->d->classes[class].tokens[0]];
    naming_format_token(token, text);
    buf_addf(x->out, "%s %s", explain_kind(x, token->kind), text);
}

void explain_put_subject(const struct explain *x, size_t subject)
{
    char text[NAMING_TOKEN_BYTES];
    if (subject == NONE) {
        explain_put(x, "なし", "nobody");
        return;
    }
    const struct subject_name *name = &x->d->subjects[subject].name;
    naming_format_token(name->token, text);
    explain_put_id(x, name->record->bytes);
    buf_addf(x->out, "/%" PRIu32 "/%s", name->ordinal, text);
}

void explain_put_decision(const struct explain *x, const struct fact_decision *decision)
{
    buf_addf(x->out, "%s %" PRId64 " (", explain_word(x, "決定", "decision"), decision->no);
    explain_put_text(x, decision->made_by);
    if (decision->second_by.size > 0) {
        buf_add_str(x->out, explain_word(x, "、", ", "));
        explain_put_text(x, decision->second_by);
    }
    buf_add_str(x->out, ")");
}

void explain_put_record(const struct explain *x, size_t effective)
{
    const struct effective *e = &x->d->effectives[effective];
    const struct fact_record *r = e->winner;
    explain_put_id(x, e->original->id.bytes);
    buf_addf(x->out, "  %s  ",
             e->body == FACT_BODY_CONTACT ? explain_word(x, "応対", "contact")
                                          : explain_word(x, "カスハラ報告", "incident"));
    explain_put_time(x, r->start_us);
    if (r->end_us > r->start_us) {
        buf_add_str(x->out, explain_word(x, "から", " for "));
        explain_put_span(x, r->end_us - r->start_us);
        buf_add_str(x->out, explain_word(x, "間", ""));
    }
    buf_addf(x->out, "  %s ", explain_word(x, "拠点", "site"));
    explain_put_text(x, e->original->site);
    buf_addf(x->out, "  %s  %s", explain_channel(x, r->channel),
             explain_direction(x, r->direction));
}

static void put_list(const struct explain *x, const char *label, const struct slice *items,
                     size_t count)
{
    if (count == 0)
        return;
    buf_addf(x->out, "  %s ", label);
    for (size_t i = 0; i < count; i++) {
        buf_add_str(x->out, i == 0 ? "" : explain_word(x, "・", ", "));
        explain_put_text(x, items[i]);
    }
}

void explain_put_part(const struct explain *x, const struct part *part)
{
    const struct occurrence *o = &x->d->occurrences[part->occurrence];
    if (part->is_counting)
        explain_put_time(x, part->start_us);
    else
        explain_put(x, "当社からの応対のみ", "outward only");
    buf_addf(x->out, "  %s ", explain_word(x, "事案", "occurrence"));
    explain_put_id(x, derived_id(x->d, o->effectives[0])->bytes);
    buf_addf(x->out, "  %s%zu%s", explain_word(x, "記録", "records: "), part->effectives_count,
             explain_word(x, "件", ""));
    if (part->has_incident)
        buf_addf(x->out, "  %s", explain_word(x, "カスハラ報告あり", "incident reported"));
    put_list(x, explain_word(x, "拠点", "sites"), part->sites, part->sites_count);
    put_list(x, explain_word(x, "用件", "matters"), part->matters, part->matters_count);
    if (part->severity > 0)
        buf_addf(x->out, "  %s %d", explain_word(x, "重さ", "severity"), part->severity);
    if (part->talk_us > 0) {
        buf_addf(x->out, "  %s ", explain_word(x, "通話・対応", "talk"));
        explain_put_span(x, part->talk_us);
    }
    buf_addf(x->out, "  %s\n", explain_state(x, o->state));
}
