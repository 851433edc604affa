"""A worker at a till and an operator at a telephone, in Chromium, in Japanese and in English."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.paths import ROOT
from tests.support.staff import PIN, UNKNOWN, WORKER, lookup

WEB = ROOT / "services/agent/web"
LANGUAGES = ("ja", "en")


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def sign_in(page, say: dict, pin: str = PIN) -> None:
    page.locator("#signInDialog").get_by_label(say["workerCode"]).fill(WORKER)
    page.locator("#signInDialog").get_by_label(say["pin"]).fill(pin)
    page.locator("#signInDialog").get_by_role("button", name=say["signIn"]).click()


class TestWords:
    def test_catalogues_have_the_same_keys(self, words):
        assert words["ja"].keys() == words["en"].keys()
        for key in words["ja"]:
            holes = [sorted(re.findall(r"\{\w+\}", words[lang][key])) for lang in LANGUAGES]
            assert holes[0] == holes[1], key
            assert words["ja"][key] and words["en"][key], key

    def test_every_word_used_is_there_and_none_is_idle(self, words):
        text = "".join(p.read_text() for p in WEB.iterdir() if p.name != "words.js")
        html = "".join(p.read_text() for p in WEB.glob("*.html"))
        wanted = set(re.findall(r'data-(?:word|label|title)="(\w+)"', html))
        assert wanted <= words["ja"].keys()
        built = re.compile(r"(number|member)(Typed|Confirmed|Differs)|(un)?known(Member)?|when\d+")
        idle = {k for k in words["ja"] if f'"{k}"' not in text and not built.fullmatch(k)} - wanted
        assert not idle

    def test_terms(self, words):
        everything = "".join(words["ja"].values())
        for never in ("エージェント", "インシデント", "加害者", "ブラックリスト", "匿名ID", "却下"):
            assert never not in everything

    def test_pages_are_small(self):
        shared = ["style.css", "words.js", "page.js"]
        for page in ("form", "caller"):
            files = [f"{page}.html", f"{page}.js", *shared]
            assert sum((WEB / name).stat().st_size for name in files) < 65536


@pytest.mark.parametrize("language", LANGUAGES)
class TestForm:
    def test_a_report_in_a_minute(self, agent, open_page, check, shoot, words, language):
        say = words[language]
        page = open_page("/form", language)
        expect(page).to_have_title(say["titleForm"])
        check(page)
        if language == "ja":
            shoot(page, "form-empty")
        press(page, say["categoryAbuse"])
        press(page, say["categoryViolence"])
        press(page, say["stillHereYes"])
        expect(page.locator("#danger")).to_have_text(say["danger"])
        press(page, say["hurtNo"])
        press(page, "レジ1")
        page.get_by_label(say["exactWords"]).fill("「責任者を出せ」電話は090-1234-5678")
        page.get_by_text(say["more"]).click()
        page.get_by_label(say["number"], exact=True).fill("090-1234-5678")
        expect(page.locator("#numberState")).to_have_text(say["numberTyped"])
        page.get_by_label(say["numberAgain"]).fill("0901234567")
        expect(page.locator("#numberState")).to_have_text(say["numberDiffers"])
        check(page)
        shoot(page, f"form-filled-{language}")
        press(page, say["send"])
        expect(page.locator("#formMessage")).to_have_text(say["numberDiffers"])
        expect(page.locator("#formMessage")).to_be_in_viewport()
        expect(page.get_by_label(say["numberAgain"])).to_be_focused()
        page.get_by_label(say["numberAgain"]).fill("09012345678")
        expect(page.locator("#numberState")).to_have_text(say["numberConfirmed"])
        press(page, say["send"])
        expect(page.locator("#doneTitle")).to_have_text(say["receiptTitle"])
        expect(page.locator("#doneTitle")).to_be_focused()
        expect(page.locator("#masked")).to_have_text(say["masked"].replace("{count}", "1"))
        expect(page.locator("#states li")).to_have_text(
            [say["stateStored"], say["stateWaiting"], say["stateReviewLater"]]
        )
        check(page)
        shoot(page, f"form-receipt-{language}")
        code = page.locator("#code-shown").inner_text()
        assert re.fullmatch(r"[2-9A-Z]{3}-[2-9A-Z]{3}", code)
        left = page.evaluate("JSON.stringify(sessionStorage) + JSON.stringify(localStorage)")
        assert "1234" not in left and "責任者" not in left and "draft" not in left
        assert agent.metric("kasumori_agent_forms_total") == 1

    def test_add_and_correct_later(self, agent, open_page, check, shoot, words, language):
        say = words[language]
        page = open_page("/form", language)
        press(page, say["signIn"])
        check(page)
        sign_in(page, say, "000001")
        expect(page.locator("#signInMessage")).to_have_text(say["wrongPin"])
        sign_in(page, say)
        expect(page.locator("#worker")).to_have_text(say["signedInAs"].replace("{worker}", WORKER))
        press(page, say["categoryTime"])
        press(page, say["send"])
        expect(page.locator("#doneTitle")).to_have_text(say["receiptTitle"])
        code = page.locator("#code-shown").inner_text()
        press(page, say["navAdd"])
        page.get_by_role("textbox", name=say["receiptLabel"]).fill("AAA-AAA")
        press(page, say["find"])
        expect(page.locator("#findMessage")).to_have_text(say["unknownReceipt"])
        page.get_by_role("textbox", name=say["receiptLabel"]).fill(code.lower())
        press(page, say["find"])
        expect(page.locator("#foundBox")).to_be_visible()
        check(page)
        shoot(page, f"form-found-{language}")
        press(page, say["addMore"])
        expect(page.locator("#formTitle")).to_be_focused()
        press(page, say["sendAdd"])
        expect(page.locator("#formMessage")).to_have_text(say["emptyAdd"])
        page.get_by_label(say["exactWords"]).fill("続きです")
        check(page)
        press(page, say["sendAdd"])
        expect(page.locator("#doneTitle")).to_have_text(say["addedTitle"])
        press(page, say["navAdd"])
        press(page, say["find"])
        press(page, say["correct"])
        press(page, say["categoryThreat"])
        press(page, say["sendCorrect"])
        expect(page.locator("#doneTitle")).to_have_text(say["correctedTitle"])
        press(page, say["navAdd"])
        press(page, say["find"])
        press(page, say["retract"])
        page.get_by_label(say["retractReason"]).fill("まちがい")
        page.locator("#retractForm").get_by_role("button").click()
        expect(page.locator("#doneTitle")).to_have_text(say["retractedTitle"])
        press(page, say["signOut"])
        expect(page.locator("#worker")).to_have_text(say["notSignedIn"])
        assert agent.metric("kasumori_agent_forms_total") == 4

    def test_without_a_name_though_signed_in(self, agent, open_page, check, words, language):
        say = words[language]
        page = open_page("/form", language)
        press(page, say["signIn"])
        sign_in(page, say)
        page.get_by_label(say["anonymous"]).check()
        check(page)
        press(page, say["send"])
        expect(page.locator("#doneTitle")).to_have_text(say["receiptTitle"])
        code = page.locator("#code-shown").inner_text()
        press(page, say["navAdd"])
        page.get_by_role("textbox", name=say["receiptLabel"]).fill(code)
        press(page, say["find"])
        press(page, say["correct"])
        expect(page.get_by_label(say["anonymous"])).to_be_checked()
        press(page, say["sendCorrect"])
        expect(page.locator("#doneTitle")).to_have_text(say["correctedTitle"])
        press(page, say["navAdd"])
        press(page, say["find"])
        press(page, say["retract"])
        with page.expect_request("**/form/v1/retractions") as sent:
            page.locator("#retractForm").get_by_role("button").click()
        assert sent.value.post_data_json["anonymous"] is True
        expect(page.locator("#doneTitle")).to_have_text(say["retractedTitle"])


class TestFormInTrouble:
    def test_device_away_and_back(self, agent, open_page, check, shoot, words):
        say = words["ja"]
        page = open_page("/form")
        page.get_by_label(say["exactWords"]).fill("消えてはいけない言葉")
        assert agent.stop() == 0
        press(page, say["send"])
        expect(page.locator("#connection")).to_have_text(say["offline"])
        page.set_viewport_size({"width": 390, "height": 500})
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(page.locator("#connection")).to_be_in_viewport()
        check(page)
        page.set_viewport_size({"width": 820, "height": 1100})
        shoot(page, "form-offline")
        agent.up()
        expect(page.locator("#connection")).to_be_hidden(timeout=10000)
        expect(page.get_by_label(say["exactWords"])).to_have_value("消えてはいけない言葉")
        press(page, say["send"])
        expect(page.locator("#doneTitle")).to_have_text(say["receiptTitle"])

    def test_draft_survives_a_reload(self, open_page, words):
        say = words["ja"]
        page = open_page("/form")
        press(page, say["categorySexual"])
        page.get_by_label(say["exactWords"]).fill("途中まで")
        page.get_by_text(say["more"]).click()
        page.get_by_label(say["number"], exact=True).fill("09012345678")
        page.reload()
        expect(page.get_by_label(say["exactWords"])).to_have_value("途中まで")
        expect(page.get_by_role("button", name=say["categorySexual"])).to_have_attribute(
            "aria-pressed", "true"
        )
        assert "0901234" not in page.evaluate("JSON.stringify(sessionStorage)")

    def test_storage_full_and_double_click(self, open_page, words, shoot):
        say = words["ja"]
        page = open_page("/form")
        sent = []

        def full(route) -> None:
            sent.append(route.request.post_data)
            body = json.dumps({"status": 507, "code": "storage_full", "detail": "x"})
            route.fulfill(status=507, content_type="application/problem+json", body=body)

        page.route("**/form/v1/reports", full)
        press(page, say["categoryTime"])
        page.locator("#send").dblclick()
        expect(page.locator("#formMessage")).to_have_text(say["storageFull"])
        shoot(page, "form-full")
        page.unroute("**/form/v1/reports")
        press(page, say["send"])
        expect(page.locator("#doneTitle")).to_have_text(say["receiptTitle"])
        assert len({json.loads(body)["formId"] for body in sent}) == 1

    def test_keyboard_alone_on_a_phone(self, agent, open_page, check, shoot, words):
        say = words["ja"]
        page = open_page("/form", is_phone=True)
        check(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name=say["categoryTime"]).focus()
        page.keyboard.press("Space")
        for _ in range(60):
            if page.evaluate("document.activeElement.id") == "send":
                break
            page.keyboard.press("Tab")
        shoot(page, "form-phone")
        page.keyboard.press("Enter")
        expect(page.locator("#doneTitle")).to_be_focused()
        assert agent.metric("kasumori_agent_forms_total") == 1

    def test_language_changes_in_place(self, open_page, words):
        page = open_page("/form")
        page.get_by_label(words["ja"]["exactWords"]).fill("残る")
        press(page, words["ja"]["languageLabel"])
        expect(page).to_have_title(words["en"]["titleForm"])
        expect(page.get_by_label(words["en"]["exactWords"])).to_have_value("残る")
        assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("language", LANGUAGES)
class TestCaller:
    def test_pop(self, center, open_page, check, shoot, words, language):
        say = words[language]
        page = open_page("/pop#tel=090-1234-5678&call=pbx-1", language)
        sign_in(page, say)
        expect(page.locator("#state")).to_have_text(say["known"])
        expect(page.locator("#certainty")).to_have_text(say["certaintyNumber"])
        expect(page.locator("#facts")).to_contain_text("返品 A-1021")
        expect(page.locator("#facts")).to_contain_text(say["notJudged"])
        check(page)
        shoot(page, f"pop-known-{language}")
        assert "#" not in page.url and "1234" not in page.content()
        assert center.asked[0]["callId"] == "pbx-1"
        center.answer = lambda: (200, json.dumps(UNKNOWN).encode())
        page.evaluate("location.hash = '#tel=080-1111-2222&call=pbx-2'")
        expect(page.locator("#state")).to_have_text(say["unknown"])
        check(page)
        shoot(page, f"pop-unknown-{language}")
        page.evaluate("location.hash = '#tel=anonymous&call=pbx-3'")
        expect(page.locator("#state")).to_have_text(say["notAskedWithheld"])
        page.get_by_role("link", name=say["report"]).click()
        expect(page.locator("#callNote")).to_have_text(say["callLinked"])
        assert len(center.asked) == 2

    def test_typed(self, center, open_page, check, shoot, words, language):
        say = words[language]
        page = open_page("/caller", language)
        check(page)
        press(page, say["signIn"])
        sign_in(page, say)
        press(page, say["ask"])
        expect(page.locator("#askMessage")).to_have_text(say["badNumber"])
        until = "2027-03-31T14:59:59.000000Z"
        restricted = lookup(
            certainty="same_person_confirmed",
            restrictions=[{"kind": "restrict", "until": until, "scope": ["s001"]}],
        )
        center.answer = lambda: (200, json.dumps(restricted).encode())
        page.get_by_label(say["callerMember"]).fill("M-1234")
        press(page, say["ask"])
        expect(page.locator("#state")).to_have_text(say["knownMember"])
        expect(page.locator("#facts")).to_contain_text(say["restrict"])
        check(page)
        press(page, say["again"])
        center.delay_s = 1
        page.get_by_label(say["callerNumber"]).fill("090-1234-5678")
        press(page, say["ask"])
        expect(page.locator("#state")).to_have_text(say["unavailable"])
        expect(page.locator("#stateHint")).to_contain_text(say["unavailableHint"])
        check(page)
        shoot(page, f"pop-unavailable-{language}")
