import type { ReactNode } from 'react';
import { countText, dayText } from '../amounts/format.ts';
import { useQuery } from '../graphql/use-query.ts';
import { Answered, Empty } from '../layout/notice.tsx';
import { WORKLISTS } from './worklists-query.ts';
import type { UnattributedCustomer, UnpricedModel } from './worklists-query.ts';

const LISTED = 100;

/** What waits for a person: without a price no cost, without a customer no invoice. */
export function Worklists() {
  const asked = useQuery(WORKLISTS, { first: LISTED });
  return (
    <>
      <div className="page-head">
        <h1>Worklists</h1>
      </div>
      <Answered asked={asked} what="worklists">
        {({ unpricedModels, unattributedCustomers }) => (
          <>
            <UnpricedModels models={unpricedModels} />
            <UnattributedCustomers customers={unattributedCustomers} />
          </>
        )}
      </Answered>
    </>
  );
}

function UnpricedModels({ models }: { readonly models: readonly UnpricedModel[] }) {
  return (
    <section>
      <h2>Models without a price</h2>
      <p className="note">
        Their cost is unknown until a rate is set with <code>setCostRate</code>; the events that wait for it are priced then.
      </p>
      {models.length === 0 ? (
        <Empty title="Every model that was used has a price." />
      ) : (
        <List label="Models without a price" heads={['Model', 'First seen', 'Events', 'Tokens']} isFull={models.length === LISTED}>
          {models.map(({ provider, model, events, tokens, firstSeen }) => (
            <tr key={`${provider ?? ''} ${model ?? ''}`}>
              <th scope="row">
                {model ?? 'no model named'}
                <span className="key">{provider ?? 'no provider named'}</span>
              </th>
              <td className="number" data-name="First seen">
                {dayText(firstSeen)}
              </td>
              <td className="number" data-name="Events">
                {countText(events)}
              </td>
              <td className="number" data-name="Tokens">
                {countText(tokens)}
              </td>
            </tr>
          ))}
        </List>
      )}
    </section>
  );
}

function UnattributedCustomers({ customers }: { readonly customers: readonly UnattributedCustomer[] }) {
  return (
    <section>
      <h2>Customers that do not exist yet</h2>
      <p className="note">
        Their events are kept and belong to them from the moment <code>createCustomer</code> makes a customer with the key.
      </p>
      {customers.length === 0 ? (
        <Empty title="Every event belongs to a customer." />
      ) : (
        <List label="Customers that do not exist yet" heads={['Key', 'First seen', 'Events']} isFull={customers.length === LISTED}>
          {customers.map(({ key, events, firstSeen }) => (
            <tr key={key}>
              <th scope="row">{key}</th>
              <td className="number" data-name="First seen">
                {dayText(firstSeen)}
              </td>
              <td className="number" data-name="Events">
                {countText(events)}
              </td>
            </tr>
          ))}
        </List>
      )}
    </section>
  );
}

interface ListProps {
  readonly label: string;
  readonly heads: readonly string[];
  readonly isFull: boolean;
  readonly children: ReactNode;
}

function List({ label, heads, isFull, children }: ListProps) {
  return (
    <>
      <div className="table-frame">
        <table className="stacked" aria-label={label}>
          <thead>
            <tr>
              {heads.map((head, index) => (
                <th key={head} scope="col" className={index === 0 ? undefined : 'number'}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
      {isFull && <p className="table-foot">The {LISTED} largest are shown.</p>}
    </>
  );
}
