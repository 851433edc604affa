/* Records in static memory: test programs are single-threaded and look at one at a time. */
#include "tests/unit/common/record/sample.h"

#include <string.h>

#define BYTES(text) ((ProtobufCBinaryData){sizeof(text) - 1, (uint8_t *)(text)})

/* Two ids with SAMPLE_AT_US as their time. */
#define OWN_ID "\x01\xa1\x77\x20\xca\x7b\x7a\xbc\x8d\xef\x01\x02\x03\x04\x05\x06"
#define TARGET_ID "\x01\xa1\x77\x20\xca\x00\x71\x11\x92\x22\x33\x33\x44\x44\x55\x55"
#define OTHER_ID "\x01\xa1\x77\x20\xc9\x00\x71\x11\x92\x22\x33\x33\x44\x44\x55\x56"

static Kasumori__V1__Token tokens[8];
static Kasumori__V1__Token *token_lists[4][2];
static Kasumori__V1__Identifier identifiers[4];
static Kasumori__V1__Identifier *identifier_lists[2][2];
static Kasumori__V1__Person persons[2];
static Kasumori__V1__Person *person_list[2];
static Kasumori__V1__Text texts[12];
static Kasumori__V1__Text *word_list[2];
static Kasumori__V1__Answer answer;
static Kasumori__V1__Answer *answer_list[1];
static Kasumori__V1__Contact contact;
static Kasumori__V1__Incident incident;
static Kasumori__V1__Supplement supplement;
static Kasumori__V1__Correction correction;
static Kasumori__V1__Retraction retraction;
static Kasumori__V1__Record record;
static Kasumori__V1__Heartbeat heartbeat;

static Kasumori__V1__Text *text(int at, const char *value)
{
    kasumori__v1__text__init(&texts[at]);
    texts[at].value = (char *)value;
    return &texts[at];
}

/* The at-th identifier, with tokens under two keys. */
static Kasumori__V1__Identifier *identifier(int at, Kasumori__V1__IdentifierKind kind)
{
    static uint8_t macs[8][16];
    Kasumori__V1__Identifier *made = &identifiers[at];
    kasumori__v1__identifier__init(made);
    made->kind = kind;
    made->assurance = KASUMORI__V1__ASSURANCE__ASSURANCE_CARRIED;
    for (int i = 0; i < 2; i++) {
        Kasumori__V1__Token *token = &tokens[2 * at + i];
        kasumori__v1__token__init(token);
        token->key_id = (uint32_t)i + 1;
        memset(macs[2 * at + i], 16 * at + i + 1, 16);
        token->mac = (ProtobufCBinaryData){16, macs[2 * at + i]};
        token_lists[at][i] = token;
    }
    made->n_tokens = 2;
    made->tokens = token_lists[at];
    made->sealed = BYTES("a sealed box \x00\xff");
    return made;
}

static void make_persons(void)
{
    static const Kasumori__V1__IdentifierKind KINDS[] = {
        KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_PHONE,
        KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_MEMBER};
    for (int i = 0; i < 2; i++) {
        kasumori__v1__person__init(&persons[i]);
        persons[i].role = KASUMORI__V1__ROLE__ROLE_SUBJECT;
        persons[i].ordinal = (uint32_t)i;
        person_list[i] = &persons[i];
        identifier_lists[0][i] = identifier(i, KINDS[i]);
    }
    identifier_lists[1][0] = identifier(2, KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_WORKER);
    persons[0].n_identifiers = 2;
    persons[0].identifiers = identifier_lists[0];
    persons[1].role = KASUMORI__V1__ROLE__ROLE_VICTIM;
    persons[1].n_identifiers = 1;
    persons[1].identifiers = identifier_lists[1];
}

static void make_contact(void)
{
    kasumori__v1__answer__init(&answer);
    answer.matter = "T-77";
    answer.recorded_at_us = SAMPLE_AT_US - 1000000;
    answer.final = 1;
    answer.text = text(0, "返金はできません");
    answer.text->masked = 2;
    answer_list[0] = &answer;
    kasumori__v1__contact__init(&contact);
    contact.outcome = KASUMORI__V1__OUTCOME__OUTCOME_CONNECTED;
    contact.ring_us = 4000000;
    contact.queue_us = 61000000;
    contact.hold_us = 3;
    contact.talk_us = INT64_C(3900000000);
    contact.withheld = KASUMORI__V1__WITHHELD__WITHHELD_PUBLIC_PHONE;
    contact.dialled = "0120444444";
    contact.transfer_chain_id = "chain-1";
    contact.ended_by = KASUMORI__V1__ENDED_BY__ENDED_BY_CUSTOMER;
    contact.n_answers = 1;
    contact.answers = answer_list;
    contact.recording_uri = "https://rec.example/1?a=b&c=\"d\"";
}

static void make_measures(void)
{
    static Kasumori__V1__Category category;
    static Kasumori__V1__Category *category_list[] = {&category};
    static Kasumori__V1__Measure measures[2];
    static Kasumori__V1__Measure *measure_list[] = {&measures[0], &measures[1]};
    static Kasumori__V1__Identifier *decided_by[1];
    static Kasumori__V1__PoliceContact police;
    static Kasumori__V1__PoliceContact *police_list[] = {&police};
    kasumori__v1__category__init(&category);
    category.scheme = "mhlw9";
    category.version = "2022";
    category.code = "abuse";
    category.assigned_by = KASUMORI__V1__ASSIGNED_BY__ASSIGNED_BY_REPORTER;
    kasumori__v1__measure__init(&measures[0]); /* empty: keeps its place in lists */
    kasumori__v1__measure__init(&measures[1]);
    measures[1].kind = KASUMORI__V1__MEASURE_KIND__MEASURE_KIND_CALL_CUT;
    measures[1].count = UINT32_MAX;
    measures[1].at_us = SAMPLE_AT_US - 5;
    decided_by[0] = identifier(3, KASUMORI__V1__IDENTIFIER_KIND__IDENTIFIER_KIND_WORKER);
    measures[1].n_decided_by = 1;
    measures[1].decided_by = decided_by;
    measures[1].note = text(1, "三回お願いした");
    kasumori__v1__police_contact__init(&police);
    police.line = KASUMORI__V1__POLICE_LINE__POLICE_LINE_9110;
    police.station = "高輪";
    police.at_us = SAMPLE_AT_US + 60;
    police.report_number = "R-1";
    police.evidence_handed_over = 1;
    incident.n_categories = 1;
    incident.categories = category_list;
    incident.n_measures = 2;
    incident.measures = measure_list;
    incident.n_police = 1;
    incident.police = police_list;
}

static void make_people_hurt(void)
{
    static Kasumori__V1__Offender offender;
    static Kasumori__V1__Victim victim;
    static Kasumori__V1__Care care;
    kasumori__v1__offender__init(&offender);
    offender.kind = "customer";
    offender.number = 1;
    offender.sex = KASUMORI__V1__SEX__SEX_MALE;
    offender.age_from = 60;
    offender.age_to = 69;
    offender.clothes = text(2, "青い上着");
    offender.direction_of_flight = text(3, "駅の方へ");
    kasumori__v1__care__init(&care);
    care.state = KASUMORI__V1__CARE_STATE__CARE_STATE_OFFERED;
    care.follow_up_at_us = SAMPLE_AT_US + INT64_C(86400000000);
    care.note = text(4, "休憩");
    kasumori__v1__victim__init(&victim);
    victim.employment = KASUMORI__V1__EMPLOYMENT_TYPE__EMPLOYMENT_TYPE_PART_TIME;
    victim.duty = "till";
    victim.anonymity_wanted = 1;
    victim.injured = KASUMORI__V1__TRI__TRI_NO;
    victim.injury = text(5, "なし");
    victim.care = &care;
    incident.offender = &offender;
    incident.victim = &victim;
}

static void make_incident(void)
{
    static Kasumori__V1__Evidence evidence;
    static Kasumori__V1__Evidence *evidence_list[] = {&evidence};
    static Kasumori__V1__Loss loss;
    static Kasumori__V1__Spot spot;
    kasumori__v1__incident__init(&incident);
    make_measures();
    make_people_hurt();
    kasumori__v1__evidence__init(&evidence);
    evidence.uri = "s3://evidence/1";
    evidence.sha256 = BYTES("0123456789abcdef0123456789ABCDEF");
    evidence.media_type = "audio/ogg";
    evidence.notice = KASUMORI__V1__NOTICE_STATE__NOTICE_STATE_ANNOUNCED;
    evidence.keep_until_us = SAMPLE_AT_US + INT64_C(31536000000000);
    kasumori__v1__loss__init(&loss);
    loss.staff_minutes = 95;
    loss.yen = 12000;
    kasumori__v1__spot__init(&spot);
    spot.till = "3";
    spot.floor = "1F";
    spot.landmark = "入口\t\"東\"\\";
    word_list[0] = text(6, "責任者を出せ\n今すぐ");
    word_list[0]->at_us = SAMPLE_AT_US - 3600000000;
    word_list[1] = text(7, "");
    incident.n_words = 2;
    incident.words = word_list;
    incident.demand = text(8, "全額返金");
    incident.demand_reasonable = KASUMORI__V1__TRI__TRI_NO;
    incident.trigger = text(9, "品切れ");
    incident.firm_at_fault = KASUMORI__V1__TRI__TRI_YES;
    incident.n_evidence = 1;
    incident.evidence = evidence_list;
    incident.loss = &loss;
    incident.spot = &spot;
    incident.still_present = KASUMORI__V1__TRI__TRI_YES;
    incident.n_answers = 1;
    incident.answers = answer_list;
    incident.retention_class = "evidence-7y";
    incident.legal_hold = 1;
    incident.note = text(11, "店長に報告済み");
}

static void make_others(void)
{
    kasumori__v1__supplement__init(&supplement);
    supplement.target_id = BYTES(TARGET_ID);
    supplement.incident = &incident;
    supplement.n_answers = 1;
    supplement.answers = answer_list;
    kasumori__v1__retraction__init(&retraction);
    retraction.reason_code = "entered-twice";
    retraction.reason = text(10, "二重登録");
    kasumori__v1__correction__init(&correction);
    correction.target_id = BYTES(TARGET_ID);
}

static void make_envelope(void)
{
    kasumori__v1__record__init(&record);
    record.schema_major = RECORD_SCHEMA_MAJOR;
    record.schema_minor = RECORD_SCHEMA_MINOR;
    record.record_id = BYTES(OWN_ID);
    record.tenant = "acme";
    record.site = "s001";
    record.concerned_site = "s017";
    record.source = "asterisk-cdr";
    record.external_id = "pbx1-1793000000.42";
    record.revision = 3;
    record.occurred_start_us = SAMPLE_AT_US - INT64_C(3965000000);
    record.occurred_end_us = SAMPLE_AT_US;
    record.recorded_at_us = SAMPLE_AT_US + 1500000;
    record.clock_state = KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_SYNCED;
    record.channel = KASUMORI__V1__CHANNEL__CHANNEL_PHONE;
    record.direction = KASUMORI__V1__DIRECTION__DIRECTION_INBOUND;
    record.training = 1;
    record.worker = identifier_lists[1][0];
    record.matter = "T-77";
    record.happening_ref = "linked-9";
    record.n_persons = 2;
    record.persons = person_list;
}

static void make_body(enum sample_kind kind)
{
    switch (kind) {
    case SAMPLE_CONTACT:
        record.body_case = KASUMORI__V1__RECORD__BODY_CONTACT;
        record.contact = &contact;
        return;
    case SAMPLE_INCIDENT:
        record.body_case = KASUMORI__V1__RECORD__BODY_INCIDENT;
        record.incident = &incident;
        return;
    case SAMPLE_SUPPLEMENT:
        record.body_case = KASUMORI__V1__RECORD__BODY_SUPPLEMENT;
        record.supplement = &supplement;
        return;
    case SAMPLE_CORRECTION:
        correction.replacement_case = KASUMORI__V1__CORRECTION__REPLACEMENT_INCIDENT;
        correction.incident = &incident;
        break;
    case SAMPLE_CORRECTED_SUPPLEMENT:
        correction.replacement_case = KASUMORI__V1__CORRECTION__REPLACEMENT_SUPPLEMENT;
        supplement.target_id = BYTES(OTHER_ID);
        correction.supplement = &supplement;
        break;
    case SAMPLE_RETRACTION:
    case SAMPLE_KINDS:
        correction.replacement_case = KASUMORI__V1__CORRECTION__REPLACEMENT_RETRACTION;
        correction.retraction = &retraction;
        break;
    }
    record.body_case = KASUMORI__V1__RECORD__BODY_CORRECTION;
    record.correction = &correction;
}

Kasumori__V1__Record *sample_record(enum sample_kind kind)
{
    make_persons();
    make_contact();
    make_incident();
    make_others();
    make_envelope();
    make_body(kind);
    return &record;
}

const char *sample_name(enum sample_kind kind)
{
    static const char *const NAMES[] = {
        "contact", "incident", "supplement", "correction", "corrected_supplement", "retraction",
    };
    return kind < SAMPLE_KINDS ? NAMES[kind] : "none";
}

Kasumori__V1__Heartbeat *sample_heartbeat(void)
{
    kasumori__v1__heartbeat__init(&heartbeat);
    heartbeat.schema_major = RECORD_SCHEMA_MAJOR;
    heartbeat.tenant = "acme";
    heartbeat.site = "s001";
    heartbeat.agent = "s001-a";
    heartbeat.version = "0.1.0";
    heartbeat.at_us = SAMPLE_AT_US;
    heartbeat.started_at_us = SAMPLE_AT_US - 60000000;
    heartbeat.epoch = UINT64_MAX;
    heartbeat.sequence_last = 12;
    heartbeat.sequence_delivered = 11;
    heartbeat.spool_bytes = 65536;
    heartbeat.oldest_undelivered_at_us = SAMPLE_AT_US - 10;
    heartbeat.clock_state = KASUMORI__V1__CLOCK_STATE__CLOCK_STATE_SUSPECT;
    heartbeat.accepted = 12;
    heartbeat.rejected = 1;
    heartbeat.is_refusing = 1;
    heartbeat.planned_off_until_us = SAMPLE_AT_US + 3600000000;
    return &heartbeat;
}
