"""What is promised, what may go wrong, and the tests that show each of them.

``tests/test_reliability.py`` makes sure that every test named here exists and that no number is
without one. The numbers of faults and of risks are those of the list we work from; a fault that
cannot befall this program says why, and names the test that shows it.
"""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """One promise or fault, and the tests that show what becomes of it."""

    what: str
    tests: tuple[str, ...]


_KILLS, _FAULTS, _COMMITTEE = (
    "flow/test_kills.py::", "flow/test_faults.py::", "flow/test_committee.py::"
)  # fmt: skip
_ONE_CALL, _POWER, _BACKUPS = (
    "teachers/test_openai_chat.py::", "store/test_power_loss.py::", "store/test_backups.py::"
)  # fmt: skip
_KEEPING, _SIDECAR, _SHELL = (
    "app/test_safekeeping.py::", "store/test_sidecar.py::", "ui/test_shell.py::"
)  # fmt: skip
_DESK, _RUN, _CHILD = "ui/test_desk.py::", "flow/test_training.py::", "jobs/test_kill.py::"
_TRAIN, _EXPORT, _ADDRESS = (
    "jobs/test_train.py::",
    "flow/test_export.py::",
    "app/test_settings.py::",
)
_A_FAULT = f"{_FAULTS}test_a_fault_is_typed_counted_and_passes"
_NO_PROGRAM = "test_reliability.py::test_no_program_that_a_model_wrote_is_run"

PROMISES: dict[str, Shown] = {
    "paid answers": Shown("every answer that was paid for is on disk before it is looked at", (
        f"{_KILLS}test_killed_at_a_point_the_call_is_told_as_what_it_is",
        f"{_COMMITTEE}test_a_reply_nobody_read_is_read_and_held_to_its_identity",
        f"{_POWER}test_two_hundred_cuts_lose_nothing_that_was_promised",
    )),
    "bought again": Shown("after a crash at most the calls in flight, and they are counted", (
        f"{_KILLS}test_killed_again_and_again_it_ends_with_the_tables_of_a_calm_run",
        f"{_KILLS}test_killed_in_samples_and_revisions_it_ends_with_the_tables_of_a_calm_run",
        "flow/test_batches.py::test_killed_while_the_batch_is_out_it_is_collected_by_the_next_run",
        "ui/test_killed_window.py::test_in_the_middle_of_a_stage",
    )),
    "model programs": Shown("programs that a model wrote are not run at all", (_NO_PROGRAM,)),
    "lying disk": Shown("backups are made by themselves: daily, and before much is changed", (
        f"{_KEEPING}test_one_a_day_and_only_where_something_changed",
        f"{_KEEPING}test_the_window_keeps_one_at_rest_and_before_a_rule_is_applied",
        f"{_KEEPING}test_the_command_line_keeps_one_before_a_rule_is_applied",
    )),
    "rule 1": Shown("the intent before the call, the raw reply before its reading", (
        f"{_KILLS}test_killed_at_a_point_the_call_is_told_as_what_it_is",
        f"{_ONE_CALL}test_a_raw_reply_read_again_says_the_same",
        "test_mutants.py::test_a_mutant_can_be_made_and_is_still_python",
    )),
    "rule 2": Shown("own retries, one deadline a call, a cap on its size, typed outcomes", (
        f"{_ONE_CALL}test_each_fault_is_one_request_and_one_typed_outcome",
        f"{_ONE_CALL}test_the_deadline_is_for_the_whole_call",
        f"{_COMMITTEE}test_a_teacher_that_cannot_be_used_is_left_out_at_once_and_told",
    )),
    "rule 3": Shown("a reply is held to its identity", (
        f"{_COMMITTEE}test_the_reply_of_another_call_is_never_attached",
        f"{_COMMITTEE}test_a_repeat_marks_both_rows",
    )),
    "rule 4": Shown("one writer, synced commits, at rest the main file alone is whole", (
        "store/test_database.py::test_a_second_writer_is_told_who_has_the_project",
        "store/test_database.py::test_closing_folds_everything_into_the_main_file",
        f"{_SIDECAR}test_at_rest_the_main_file_alone_is_whole",
        f"{_SIDECAR}test_a_rest_waits_for_no_reader_and_comes_later",
        f"{_BACKUPS}test_a_backup_taken_while_another_writes_is_whole",
        "store/test_places.py::test_a_project_in_a_cloud_is_written_without_a_log_and_says_so",
    )),
    "rule 5": Shown("files appear whole or not at all; an older checkpoint stays until the newer holds", (
        "flow/test_job_folder.py::test_a_folder_is_written_whole_or_not_at_all",
        f"{_TRAIN}test_an_older_checkpoint_stays_until_the_newer_is_read_back",
        f"{_EXPORT}test_an_export_that_ends_half_way_keeps_the_old_one",
    )),
    "rule 6": Shown("model text on screen is plain, capped, with nothing hidden in it", (
        "ui/test_window.py::test_labels_show_plain_text_only",
        "ui/test_plain_text.py::test_long_lines_are_broken_and_long_texts_capped",
        "ui/test_plain_text.py::test_invisible_signs_are_written_out",
        "test_architecture.py::test_model_text_is_never_shown_as_rich_text",
    )),
    "rule 7": Shown("scores are read from the reviewer's reply only, exactly one or missing", (
        "flow/test_reviews.py::test_what_a_candidate_planted_is_never_the_score",
        "flow/test_reviews.py::test_exactly_one_score_or_missing_with_its_reason",
        "flow/test_reviews.py::test_a_candidate_cannot_leave_its_fence_nor_score_itself",
    )),
    "rule 8": Shown("keys in keyring or environment, bound to their address", (
        f"{_ADDRESS}test_without_a_keyring_a_key_lasts_for_the_session_and_that_is_told",
        f"{_ADDRESS}test_a_stored_key_goes_to_no_other_address",
        f"{_COMMITTEE}test_a_foreign_project_cannot_have_a_key_sent_to_an_address_of_its_own",
    )),
    "budget": Shown("a budget is never exceeded by more than the calls in flight, over restarts", (
        "flow/test_budget.py::test_a_budget_holds_over_kills_and_restarts",
        "flow/test_asking.py::test_a_budget_is_for_all_stages_together_and_over_a_restart",
        "flow/test_batches.py::test_a_budget_holds_over_batches_and_restarts",
        "flow/test_purse.py::test_a_wave_of_calls_stays_below_the_cap",
    )),
    "window": Shown("the window is never away for long", (
        "ui/test_gaps.py::test_the_window_is_never_away_for_long",
    )),
}  # fmt: skip

FAULTS: dict[int, Shown] = {
    1: Shown("killed again and again in a long run", (
        f"{_KILLS}test_killed_again_and_again_it_ends_with_the_tables_of_a_calm_run",
    )),
    2: Shown("killed between reply and commit", (
        f"{_KILLS}test_killed_at_a_point_the_call_is_told_as_what_it_is",
    )),
    3: Shown("only the worker is killed", (
        f"{_RUN}test_a_killed_run_is_interrupted_and_can_be_resumed",
        "flow/test_attempts.py::test_a_job_that_was_killed_keeps_its_answers_and_is_asked_for_the_rest",
        "app/test_runs.py::test_a_run_that_was_killed_is_offered_to_be_resumed",
    )),
    4: Shown("only the window is killed", (
        "ui/test_killed_window.py::test_in_the_middle_of_a_stage",
        "ui/test_killed_window.py::test_in_the_middle_of_training",
        "ui/test_window.py::test_a_killed_window_has_lost_nothing",
    )),
    5: Shown("started twice on one project", (
        f"{_KILLS}test_a_project_at_work_is_not_opened_twice",
        f"{_SHELL}test_a_project_in_use_can_be_looked_at_and_shows_what_its_owner_writes",
        "store/test_database.py::test_the_lock_of_a_killed_process_does_not_stay",
    )),
    6: Shown("ended politely in a run", (
        f"{_KILLS}test_a_polite_end_keeps_what_is_in_flight",
        "ui/test_ending.py::test_a_window_that_is_told_to_end_keeps_the_replies_in_flight",
        "app/test_closing.py::test_closing_keeps_the_replies_in_flight_and_sends_nothing_more",
    )),
    7: Shown("a standstill, a clock that jumps", (
        f"{_KILLS}test_a_process_that_stood_still_does_not_take_its_calls_for_lost",
        "flow/test_clock.py::test_a_clock_that_jumps_disturbs_no_run",
    )),
    8: Shown("out of memory", (
        "flow/test_little_memory.py::test_a_run_that_runs_out_of_memory_leaves_a_whole_file",
    )),
    9: Shown("another prompt or model in the middle", (
        "flow/test_prompt_versions.py::test_a_reply_keeps_the_version_it_answered_and_nothing_is_asked_twice",
    )),
    10: Shown("undo and redo while replies come in", (
        "flow/test_undo_while_writing.py::TestUndoWhileWriting",
    )),
    11: Shown("429 with Retry-After of every kind", (
        _A_FAULT, "teachers/test_waiting.py::test_each_form_is_read",
        "flow/test_pace.py::test_what_the_endpoint_asks_holds_for_all_requests_with_the_key",
        "flow/test_pace.py::test_an_endpoint_that_names_the_past_is_not_asked_in_a_busy_loop",
        f"{_COMMITTEE}test_an_endpoint_that_wants_an_hour_is_left_out_and_the_hour_is_told",
    )),
    12: Shown("no quota, a refused key, no such model, too long a prompt", (
        _A_FAULT, f"{_FAULTS}test_after_an_account_s_no_at_most_what_was_in_flight_is_asked",
    )),
    13: Shown("storms of 5xx", (
        f"{_FAULTS}test_a_storm_is_ridden_out",
        "flow/test_pace.py::test_a_storm_opens_the_circuit_once_and_it_closes_by_itself",
        "flow/test_pace.py::test_an_outage_in_the_middle_costs_no_item",
    )),
    14: Shown("nobody there, no such host, a proxy's login page", (
        f"{_FAULTS}test_an_endpoint_that_is_not_there_is_waited_for_by_nobody_and_used_when_it_is_back",
        f"{_ONE_CALL}test_nobody_there_is_told_apart_from_a_broken_connection",
        f"{_ONE_CALL}test_a_host_that_nobody_knows_is_offline", _A_FAULT,
    )),
    15: Shown("hangs, drips, endless and too large replies", (
        _A_FAULT, f"{_FAULTS}test_no_attempt_outlasts_its_deadline",
        f"{_COMMITTEE}test_one_missed_deadline_is_one_request_and_maybe_billed",
    )),
    16: Shown("cut, empty, refused, filtered replies", (
        _A_FAULT, f"{_FAULTS}test_a_part_of_a_reply_is_kept_as_a_part",
    )),
    17: Shown("bytes that are no text, no JSON, or too deep", (
        _A_FAULT, f"{_FAULTS}test_a_whole_reply_is_kept_as_it_came",
        f"{_ONE_CALL}test_what_cannot_be_stored_is_made_visible",
    )),
    18: Shown("doubled and swapped replies", (
        f"{_COMMITTEE}test_the_reply_of_another_call_is_never_attached",
        f"{_FAULTS}test_replies_swapped_on_the_way_score_nobody",
        "flow/test_checks.py::test_two_teachers_whose_replies_change_places_are_both_flagged",
    )),
    19: Shown("redirects, lines that cannot be trusted, an echoed key", (
        f"{_FAULTS}test_a_redirect_is_not_followed_with_the_key",
        f"{_ONE_CALL}test_no_key_goes_over_a_line_that_cannot_be_trusted",
        f"{_FAULTS}test_the_key_is_nowhere_in_the_project",
    )),
    20: Shown("another model than asked, usage missing or absurd, no price", (
        f"{_FAULTS}test_what_is_not_known_is_not_told_as_nothing",
        "flow/test_checks.py::test_a_model_that_was_not_asked_is_flagged",
        f"{_COMMITTEE}test_cost_is_known_only_where_a_price_is",
    )),
    21: Shown("the budget is reached with calls in flight", (
        f"{_COMMITTEE}test_a_budget_stops_the_buying_and_says_so",
        "flow/test_budget.py::test_a_budget_holds_over_kills_and_restarts",
    )),
    22: Shown("log probabilities, several choices, a stream, a tool call", (
        _A_FAULT, f"{_ONE_CALL}test_of_several_choices_the_first_is_the_answer",
    )),
    23: Shown("power loss at any write", (
        f"{_POWER}test_two_hundred_cuts_lose_nothing_that_was_promised",
        f"{_POWER}test_a_schema_change_is_whole_or_not_begun",
        f"{_POWER}test_the_simulator_does_lose_where_less_is_synced",
    )),
    24: Shown("a full disk, a quota", (
        "store/test_database.py::test_a_full_disk_is_one_line_and_loses_nothing",
        "store/test_database.py::test_with_a_disk_nearly_full_nothing_more_is_bought",
        f"{_POWER}test_a_disk_that_fails_at_any_write_stops_the_run_with_one_line",
        "app/test_watch.py::test_a_folder_that_became_read_only_is_said_to_be_so",
    )),
    25: Shown("a disk that fails to write or sync", (
        f"{_POWER}test_a_disk_that_fails_at_any_write_stops_the_run_with_one_line",
        "store/test_salvage.py::test_what_can_be_read_is_saved_and_holds_together",
    )),
    26: Shown("a cloud's folder, a disk that is pulled", (
        "store/test_places.py::test_a_project_in_a_cloud_is_written_without_a_log_and_says_so",
        "ui/test_folder_troubles.py::test_a_project_in_a_cloud_is_opened_with_a_line_that_can_be_hidden",
        "app/test_watch.py::test_a_deleted_folder_is_gone",
    )),
    27: Shown("copied, moved, deleted, replaced while open", (
        f"{_SHELL}test_a_moved_project_is_noticed_work_stops_and_it_opens_at_its_new_place",
        f"{_SHELL}test_a_deleted_project_is_noticed_and_said",
        "ui/test_folder_troubles.py::test_a_strangers_file_in_its_place_is_noticed_and_not_written_to",
        "flow/test_lost_project.py::test_a_moved_project_keeps_all_that_was_paid_for",
        "flow/test_lost_project.py::test_nothing_is_written_to_a_strangers_file",
    )),
    28: Shown("the main file copied alone after a crash", (
        f"{_SIDECAR}test_a_copy_of_the_main_file_alone_says_that_it_may_lack",
        f"{_SIDECAR}test_what_is_not_whole_without_its_sidecar_is_refused_in_one_line",
        f"{_SIDECAR}test_who_reads_at_the_first_write_only_delays_the_mark",
    )),
    29: Shown("a damaged, newer or foreign file", (
        "store/test_damage.py::test_a_damaged_file_is_refused_in_one_line_or_read_in_what_is_whole",
        "store/test_salvage.py::test_what_can_be_read_is_saved_and_holds_together",
        "ui/test_backups.py::test_a_damaged_project_is_put_right_from_the_start_page",
        "store/test_database.py::test_a_newer_project_is_left_alone",
        "store/test_database.py::test_a_foreign_file_is_left_alone",
    )),
    30: Shown("a crash in a schema change", (
        f"{_POWER}test_a_schema_change_is_whole_or_not_begun",
        "store/test_schema.py::test_projects_of_every_version_are_ours",
    )),
    31: Shown("backups while running, restoring, a full backup disk", (
        f"{_BACKUPS}test_a_backup_taken_while_another_writes_is_whole",
        f"{_BACKUPS}test_what_a_backup_replaces_is_kept_with_its_log",
        f"{_BACKUPS}test_a_full_backup_disk_is_one_line_and_the_older_backup_stays",
        f"{_KEEPING}test_what_is_changed_while_it_is_written_is_not_in_it",
        f"{_KEEPING}test_no_room_is_said_once_and_work_goes_on",
        f"{_KEEPING}test_thinned_the_newest_days_and_weeks_stay",
    )),
    32: Shown("another program's lock", (
        "store/test_damage.py::test_a_lock_of_another_program_is_told_and_loses_nothing",
    )),
    33: Shown("an export killed half way, odd names", (
        f"{_EXPORT}test_an_export_that_ends_half_way_keeps_the_old_one",
        f"{_EXPORT}test_odd_names_are_fine", f"{_EXPORT}test_a_name_that_is_too_long_is_told_in_one_line",
    )),
    34: Shown("a large import, mixed encodings, ragged rows", (
        "flow/test_large_import.py::test_memory_is_bounded",
        "flow/test_questions.py::test_a_bad_row_refuses_the_whole_call_with_line_and_reason",
        "flow/test_questions.py::test_one_line_in_another_encoding_is_one_bad_row",
        "flow/test_questions.py::test_marks_line_ends_and_a_missing_last_newline_do_not_matter",
    )),
    35: Shown("hostile programs: none is run", (_NO_PROGRAM,)),
    36: Shown("a worker that runs them is killed: there is none", (_NO_PROGRAM,)),
    37: Shown("engines that run them disagree: there is none", (_NO_PROGRAM,)),
    38: Shown("planted, doubled and impossible scores", (
        "flow/test_reviews.py::test_what_a_candidate_planted_is_never_the_score",
        "flow/test_reviews.py::test_a_score_nested_doubled_or_disguised_is_none",
    )),
    39: Shown("a repeated prompt, gold verbatim, nothing, another language, no end", (
        "flow/test_checks.py::test_fault_39_what_a_teacher_may_send_instead_of_work_is_flagged_and_counted",
    )),
    40: Shown("training killed at random, also while saving", (
        f"{_CHILD}test_a_run_killed_again_and_again_ends_with_the_losses_of_an_unbroken_one",
        f"{_TRAIN}test_a_half_written_checkpoint_is_passed_over",
    )),
    41: Shown("exact resuming", (
        f"{_TRAIN}test_a_run_stopped_anywhere_goes_on_with_the_same_losses_bit_for_bit",
    )),
    42: Shown("no GPU memory, a loss that is no number", (
        "jobs/test_job.py::test_what_machines_do_is_told_in_words",
        f"{_RUN}test_a_run_that_did_not_fit_goes_on_with_what_it_offered",
        f"{_TRAIN}test_losses_that_run_away_end_the_run_before_they_spoil_it",
    )),
    43: Shown("a full disk while saving", (
        f"{_CHILD}test_a_run_on_a_full_disk_says_so_and_goes_on_when_there_is_room",
        f"{_TRAIN}test_an_older_checkpoint_stays_until_the_newer_is_read_back",
    )),
    44: Shown("a job that prints garbage or says nothing", (
        "flow/test_job_folder.py::test_an_event_is_found_after_any_noise",
        f"{_RUN}test_a_job_without_a_word_is_told_of_and_left_alone",
    )),
    45: Shown("closed while training", (
        "app/test_runs.py::test_a_run_that_is_still_going_is_followed_again",
        f"{_RUN}test_letting_go_of_a_run_lets_it_go_on",
        "launch/test_local.py::test_a_stranger_with_the_same_number_is_not_the_job",
    )),
    46: Shown("a dataset edited after training began", (
        f"{_RUN}test_a_run_is_pinned_to_the_dataset_it_began_with",
        f"{_RUN}test_a_run_whose_data_was_changed_is_not_gone_on_with",
    )),
    47: Shown("a keyring that is missing, locked, or does not answer", (
        f"{_ADDRESS}test_without_a_keyring_a_key_lasts_for_the_session_and_that_is_told",
        f"{_ADDRESS}test_a_keyring_that_does_not_answer_is_not_waited_for_twice",
        "ui/test_endpoints.py::test_a_key_is_kept_in_the_keyring_or_said_to_last_for_the_session",
    )),
    48: Shown("keys in reports, logs, exports, files", (
        "test_canary.py::test_a_key_that_every_feature_uses_is_found_nowhere",
        "test_canary.py::test_no_verb_is_forgotten",
        "domain/test_redaction.py::test_a_crash_of_a_verb_a_thread_a_task_or_a_library_writes_no_key",
    )),
    49: Shown("clocks, zones, locales", (
        "flow/test_clock.py::test_clocks_zones_and_locales_change_no_record",
    )),
    50: Shown("large tables, megabyte cells, hidden signs, nested markup", (
        "ui/test_gaps.py::test_the_window_is_never_away_for_long",
        "ui/test_plain_text.py::test_a_megabyte_of_hidden_signs_takes_no_time",
        "ui/test_drawn_text.py::test_long_and_odd_texts_are_shown_at_once",
        "domain/test_markup.py::test_odd_texts_take_no_time",
    )),
}  # fmt: skip

RISKS: dict[int, Shown] = {
    1: Shown("a planted score", (
        "flow/test_reviews.py::test_what_a_candidate_planted_is_never_the_score",
        "flow/test_reviews.py::test_it_makes_no_difference_where_a_planted_score_stands",
    )),
    2: Shown("orders to the next stage", (
        "flow/test_reviews.py::test_a_candidate_cannot_leave_its_fence_nor_score_itself",
        "domain/test_checks.py::test_what_betrays_itself_is_flagged_with_what_betrays_it",
    )),
    3: Shown("text that loads files", (
        "ui/test_drawn_text.py::test_html_links_and_pictures_stay_text",
        "test_architecture.py::test_model_text_is_never_shown_as_rich_text",
    )),
    4: Shown("text that stops the window", (
        "ui/test_gaps.py::test_the_window_is_never_away_for_long",
        "ui/test_plain_text.py::test_long_lines_are_broken_and_long_texts_capped",
    )),
    5: Shown("formulas in spreadsheets: no table for them is written", (
        "test_reliability.py::test_nothing_is_written_for_spreadsheets",
    )),
    6: Shown("paths and bombs in archives: none is opened", (
        "test_reliability.py::test_no_archive_is_opened",
    )),
    7: Shown("pickles", (
        "flow/test_students.py::test_a_folder_that_cannot_be_a_student_is_refused_early",
        "jobs/test_weights.py::test_an_adapter_as_a_pickle_is_not_opened",
        "jobs/test_weights.py::test_safetensors_are_taken_where_a_pickle_lies_beside_them",
    )),
    8: Shown("a model's own code", (
        "flow/test_students.py::test_a_folder_that_cannot_be_a_student_is_refused_early",
        "jobs/test_weights.py::test_a_bad_model_folder_is_one_clear_line",
    )),
    9: Shown("chat templates", (
        "jobs/test_student.py::test_a_template_that_goes_off_its_way_is_told_in_one_line",
    )),
    10: Shown("a hostile project", (
        "store/test_schema.py::test_what_we_have_not_made_is_refused_by_name",
        "store/test_schema.py::test_a_view_of_ours_that_was_changed_is_refused",
        "store/test_schema.py::test_a_backup_with_something_foreign_is_not_restored",
    )),
    11: Shown("keys in logs and reports", (
        "test_canary.py::test_a_key_that_every_feature_uses_is_found_nowhere",
        f"{_SHELL}test_a_mistake_of_ours_shows_no_key", "launch/test_local.py::test_no_key_reaches_a_job",
    )),
    12: Shown("a foreign address for an own key", (
        f"{_ADDRESS}test_a_foreign_project_gets_no_key_of_a_variable_without_a_question",
        "ui/test_endpoints.py::test_a_key_goes_to_a_new_address_only_after_a_question",
    )),
    13: Shown("a program's output taken for our own words: none is run", (_NO_PROGRAM,)),
    14: Shown("test questions among the training data", (
        "flow/test_dataset.py::test_a_train_question_that_stands_in_the_test_split_is_left_out_and_counted",
        "flow/test_dataset.py::test_held_out_questions_never_become_training_data",
    )),
}  # fmt: skip
