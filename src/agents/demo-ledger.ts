import { ToolError } from '../durable-agents/index.js';

/** An order of the demo. Amounts are in cents. */
interface Order {
  readonly item: string;
  readonly currency: string;
  readonly totalCents: number;
  refundedCents: number;
}

/** An order as callers of the ledger see it. */
export interface OrderView {
  readonly order_id: string;
  readonly item: string;
  readonly currency: string;
  readonly total: number;
  readonly refunded: number;
  /** The amount that can still be refunded. */
  readonly refundable: number;
}

/** A refund that was issued. */
export interface Refund {
  readonly refund_id: string;
  readonly order_id: string;
  readonly amount: number;
  readonly currency: string;
}

const DEMO_ORDERS: readonly (readonly [id: string, item: string, totalCents: number])[] = [
  ['A-1001', 'Espresso machine', 24_900],
  ['A-1002', 'Milk jug', 1990],
  ['A-1003', 'Coffee beans, 1 kg', 2450],
];

/** The orders of the refund demo, in the memory of this process: each start of the app resets them. */
export class DemoLedger {
  readonly #orders = new Map<string, Order>(
    DEMO_ORDERS.map(([id, item, totalCents]) => [id, { item, totalCents, currency: 'EUR', refundedCents: 0 }]),
  );
  /** By idempotency key. */
  readonly #refunds = new Map<string, Refund>();

  /** @throws ToolError for an unknown order */
  lookup(orderId: string): OrderView {
    const { item, currency, totalCents, refundedCents } = this.#order(orderId);
    return {
      order_id: normalized(orderId),
      item,
      currency,
      total: totalCents / 100,
      refunded: refundedCents / 100,
      refundable: (totalCents - refundedCents) / 100,
    };
  }

  /**
   * Issues a refund. The same idempotency key returns the first refund again.
   *
   * @param amount in whole units of the order's currency
   * @throws ToolError for an unknown order, or if the amount is more than can be refunded
   */
  refund(orderId: string, amount: number, idempotencyKey: string): Refund {
    const known = this.#refunds.get(idempotencyKey);
    if (known !== undefined) return known;
    const order = this.#order(orderId);
    const cents = Math.round(amount * 100);
    const leftCents = order.totalCents - order.refundedCents;
    if (cents > leftCents) {
      throw new ToolError(`Only ${leftCents / 100} ${order.currency} of order ${normalized(orderId)} can be refunded.`);
    }
    order.refundedCents += cents;
    const refund = {
      refund_id: `R-${this.#refunds.size + 1}`,
      order_id: normalized(orderId),
      amount: cents / 100,
      currency: order.currency,
    };
    this.#refunds.set(idempotencyKey, refund);
    return refund;
  }

  #order(orderId: string): Order {
    const order = this.#orders.get(normalized(orderId));
    if (order !== undefined) return order;
    throw new ToolError(`There is no order ${orderId}. The demo has ${[...this.#orders.keys()].join(', ')}.`);
  }
}

function normalized(orderId: string): string {
  return orderId.trim().toUpperCase();
}
