// Names photos over HTTP, with a model that `airml adapt` wrote (or ml.Model.Save, with an input column ImagePath).
//   dotnet run --project samples/PhotoService -c Release -- --Model model.zip --urls http://localhost:8080
//   curl -F photo=@photo.jpg http://localhost:8080/classify
//   curl -H "Content-Type: image/jpeg" --data-binary @photo.jpg http://localhost:8080/classify
//   {"classes":[{"name":"ship","score":0.91},{"name":"plane","score":0.06},{"name":"bird","score":0.02}]}
//   curl http://localhost:8080/health
// Settings, on the command line or in the environment: Model; MaxBytes and MaxMegapixels of a photo; Engines, the photos that are
// worked on at a time. What cannot be done comes back as problem details: 413 too many bytes, 415 sent as something else than a
// photo, 422 not a whole image or too many pixels.
using Microsoft.AspNetCore.Http.Features;
using PhotoService;

var builder = WebApplication.CreateBuilder(args);
PhotoClassifier classifier;
PhotoSettings settings;
try
{
    settings = PhotoSettings.Read(builder.Configuration);
    classifier = PhotoClassifier.Load(settings);
}
catch (Exception e) when (e is ArgumentException or IOException or InvalidOperationException or InvalidDataException or FormatException)
{
    Console.Error.WriteLine($"PhotoService: {e.Message}");
    return 1;
}

builder.WebHost.ConfigureKestrel(server =>
{
    server.AddServerHeader = false;
    server.Limits.MaxRequestBodySize = settings.MaxRefused;
    server.Limits.MaxConcurrentConnections = 256; // each may hold a photo's bytes
});
builder.Services.Configure<FormOptions>(form =>
{
    form.MultipartBodyLengthLimit = settings.MaxBody;
    form.MemoryBufferThreshold = settings.MaxBytes; // never to disk
});
builder.Services.AddProblemDetails();
builder.Services.AddSingleton(settings);
builder.Services.AddSingleton(_ => classifier);
builder.Services.AddHealthChecks().AddCheck<ModelHealth>("model");

var app = builder.Build();
app.UseExceptionHandler();
app.UseStatusCodePages();
app.MapHealthChecks("/health");
app.MapPost("/classify", PhotoEndpoint.Classify);
await app.RunAsync();
return 0;
