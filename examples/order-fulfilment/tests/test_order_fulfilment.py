"""Process tests of the order example: every element of the diagram is passed (`docs/TESTING.md`)."""

from __future__ import annotations

from datetime import timedelta


def test_an_order_is_reserved_paid_and_shipped(shop, order):
    run = order()

    run.assert_ended()
    run.assert_path("ReserveStock", "AuthorizePayment", "ScheduleDelivery", "OrderFulfilled")
    run.assert_variables(amount=25, carrier="DHL")
    assert run.reason is None


def test_an_order_of_nothing_costs_nobody_anything(shop, order):
    run = order(quantity=0)

    run.assert_ended("EMPTY_ORDER")
    assert shop.calls == []


def test_an_expensive_order_waits_for_a_reviewer(shop, order):
    run = order(quantity=200)
    run.assert_waits_at("ReviewOrder")
    assert [task.candidate_groups for task in run.tasks] == [["reviewers"]]

    run.complete("ReviewOrder", approved=True, comment="Known customer.")

    run.assert_ended()
    run.assert_passed("Approved", "OrderFulfilled")
    run.assert_variables(reviewComment="Known customer.")


def test_a_reviewer_may_reject_an_order(shop, order):
    shop.task("ReviewOrder").completes(approved=False)

    order(quantity=200).assert_ended("REVIEW_REJECTED")

    shop.service("reserve-inventory").assert_not_called()


def test_an_order_that_nobody_reviews_lapses_after_two_days(shop, order):
    run = order(quantity=200)

    shop.advance(days=1, hours=23)
    run.assert_waits_at("ReviewOrder")
    shop.advance(hours=1)

    run.assert_ended("REVIEW_TIMED_OUT")
    run.assert_not_passed("ReviewOrder", "ReserveStock")


def test_what_is_out_of_stock_leaves_nothing_to_undo(shop, order):
    shop.service("reserve-inventory").raises("OUT_OF_STOCK")

    order().assert_ended("OUT_OF_STOCK")

    shop.service("release-inventory").assert_not_called()


def test_a_declined_payment_releases_the_stock(shop, order):
    shop.service("authorize-payment").raises("PAYMENT_DECLINED")

    run = order()

    run.assert_ended("PAYMENT_DECLINED")
    run.assert_path("ReserveStock", "PaymentDeclined", "UndoOrder", "ReleaseStock", "OrderRejected")
    run.assert_not_passed("VoidPayment")
    shop.service("release-inventory").assert_called(times=1, reservationId="R-1")


def test_without_a_carrier_everything_is_undone_the_newest_first(shop, order):
    shop.service("schedule-delivery").raises("NO_CARRIER")

    run = order()

    run.assert_ended("NO_CARRIER")
    assert [call.type for call in shop.calls][-2:] == ["void-payment", "release-inventory"]
    run.assert_passed("ReserveStockUndo", "AuthorizePaymentUndo")


def test_billing_that_is_down_for_an_hour_delays_the_order_and_no_more(shop, order):
    billing = shop.service("authorize-payment").fails("503", times=2, retry_in=timedelta(minutes=30)).returns()

    run = order()
    run.assert_waits_at("AuthorizePayment")
    shop.advance(hours=1)

    run.assert_ended()
    assert [call.at - shop.now for call in billing.calls] == [timedelta(hours=-1), timedelta(minutes=-30), timedelta(0)]
    assert len({call.idempotency_key for call in billing.calls}) == 1
