/**
 * Carries messages between the replicas of a gateway. They may be lost, repeated, delayed and
 * reordered; it connects by itself, again and again.
 */
export interface Broker {
  /** Whether messages can be sent and received now. */
  readonly isConnected: boolean;
  /** The longest message, in bytes. */
  readonly maxBytes: number;
  /** Resolves when the broker has the message. Rejects when it cannot be reached, or refuses. */
  publish(subject: string, message: string): Promise<void>;
  /** Receives what is published on a subject, instead of an earlier subject. */
  subscribe(subject: string, listener: (message: string) => void): void;
  close(): Promise<void>;
}

export interface BrokerEvents {
  /** `isConnected` has changed. */
  onConnectionChange(): void;
  /** The broker refuses something, or cannot be reached. Called once for each outage. */
  onError(error: unknown): void;
}

export type BrokerFactory = (events: BrokerEvents) => Broker;
