import { Module, type DynamicModule } from '@nestjs/common';
import { Gateway } from '@stance/gateway-sdk';
import { Denials } from './access/denials.js';
import { DenialLookupHandler } from './denial-lookup/denial-lookup.handler.js';

/** The gateway follows its own streams and answers HTTP: through the transport comes only what the help desk asks. */
@Module({})
export class AppModule {
  static with(gateway: Gateway, denials: Denials): DynamicModule {
    return {
      module: AppModule,
      controllers: [DenialLookupHandler],
      providers: [
        { provide: Gateway, useValue: gateway },
        { provide: Denials, useValue: denials },
      ],
      exports: [Gateway],
    };
  }
}
