import { Module, type DynamicModule } from '@nestjs/common';
import { Gateway } from '@stance/gateway-sdk';

/** No messages come through the transport: the gateway follows its own streams, and answers HTTP. */
@Module({})
export class AppModule {
  static with(gateway: Gateway): DynamicModule {
    return { module: AppModule, providers: [{ provide: Gateway, useValue: gateway }], exports: [Gateway] };
  }
}
