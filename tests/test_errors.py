from robotd.errors import OWN_REASONS, REASONS, Refused


def test_clients_may_rely_on_these_codes_for_ever():
    assert {reason: REASONS[reason] for reason in OWN_REASONS[:14]} == {
        "unauthenticated": -32000,
        "forbidden": -32001,
        "busy": -32002,
        "not_in_this_state": -32003,
        "guard_false": -32004,
        "latched": -32005,
        "no_lease": -32006,
        "expired": -32007,
        "id_conflict": -32008,
        "out_of_range": -32009,
        "device_unavailable": -32010,
        "journal_unavailable": -32011,
        "too_large": -32012,
        "shutting_down": -32013,
    }


def test_every_reason_has_a_code_of_its_own_in_the_range_for_servers():
    codes = [REASONS[reason] for reason in OWN_REASONS]

    assert len(set(codes)) == len(codes)
    assert all(-32099 <= code <= -32000 for code in codes)


def test_a_refusal_carries_what_a_program_and_a_person_need():
    refused = Refused("out_of_range", "0.9 m/s is too fast", hint="at most 0.8 m/s", limit=0.8, unit="m/s")

    assert refused.as_error() == {
        "code": -32009,
        "message": "0.9 m/s is too fast",
        "data": {"reason": "out_of_range", "hint": "at most 0.8 m/s", "limit": 0.8, "unit": "m/s"},
    }
